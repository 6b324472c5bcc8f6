"""The tools that are measured. Each is told how many services there are, and then asked for commands."""

import os
import shutil
import subprocess
from pathlib import Path

import stacks
from emulators import BenchError

PLUGINS = "HATOBA_BENCH_TF_PLUGINS"


def environment(home, endpoint):
    """A clean environment: the caller's own AWS and tool settings do not reach the tools."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": stacks.ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": stacks.REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Hatoba:
    """hatoba itself."""

    name = "hatoba"
    helpers = False

    def __init__(self, binary):
        self._binary = str(binary)
        self.version = subprocess.run(
            [binary, "version"], check=True, capture_output=True, text=True
        ).stdout.splitlines()[0]

    def prepare(self, directory, services, env):
        """Writes the stack."""
        self._file = Path(directory) / "stack.yaml"
        self._services = services
        self._file.write_text(stacks.hatoba(services))

    def new_image(self):
        """Gives the first service another image."""
        self._file.write_text(stacks.hatoba(self._services, stacks.NEW_IMAGE))

    def plan(self):
        """A plan that fails unless it is empty."""
        return [self._binary, "plan", "--detailed-exitcode"]

    def apply(self):
        """Apply without a question."""
        return [self._binary, "apply", "--yes"]

    def destroy(self):
        """Destroy without a question."""
        return [self._binary, "destroy", "--yes"]


class Terraform:
    """Terraform with the AWS provider from a mirror on this machine."""

    name = "Terraform"
    helpers = True

    def __init__(self, binary, mirror):
        self._binary = binary
        self._mirror = mirror
        self._image = []
        version = subprocess.run([binary, "version"], check=True, capture_output=True, text=True, env={}).stdout
        provider = sorted(path.name for path in Path(mirror, "registry.terraform.io/hashicorp/aws").iterdir())[-1]
        self.version = f"{version.splitlines()[0]}, AWS provider {provider.removesuffix('.zip')}"

    def prepare(self, directory, services, env):
        """Writes the configuration and loads the provider, which is not part of any measurement."""
        Path(directory, "main.tf").write_text(stacks.terraform(services))
        settings = Path(env["HOME"], "terraformrc")
        settings.write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = "{self._mirror}" }}\n}}\n'
        )
        env["TF_CLI_CONFIG_FILE"] = str(settings)
        self._image = []
        done = subprocess.run(
            [self._binary, "init", "-input=false", "-no-color"], cwd=directory, env=env, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise BenchError(f"terraform init ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def new_image(self):
        """Gives the first service another image."""
        self._image = ["-var", f"image={stacks.NEW_IMAGE}"]

    def plan(self):
        """A plan that fails unless it is empty."""
        return [self._binary, "plan", "-input=false", "-no-color", "-detailed-exitcode", *self._image]

    def apply(self):
        """Apply without a question."""
        return [self._binary, "apply", "-input=false", "-no-color", "-auto-approve", *self._image]

    def destroy(self):
        """Destroy without a question."""
        return [self._binary, "destroy", "-input=false", "-no-color", "-auto-approve", *self._image]


def find_terraform():
    """Returns Terraform, or a sentence that says why there is none here. Its provider must be on this machine: nothing is
    downloaded for a measurement."""
    binary = shutil.which("terraform")
    if binary is None:
        return None, "Terraform is not installed here."
    home = Path.home()
    usual = [
        os.environ.get(PLUGINS),
        os.environ.get("TF_PLUGIN_CACHE_DIR"),
        home / ".terraform.d/plugins",
        home / ".local/share/terraform/plugins",
        "/usr/local/share/terraform/plugins",
        "/usr/share/terraform/plugins",
    ]
    for mirror in usual:
        if mirror and Path(mirror, "registry.terraform.io/hashicorp/aws").is_dir():
            return Terraform(binary, Path(mirror).resolve()), None
    return None, (
        f"Terraform is installed, but its AWS provider is not: name a directory made by `terraform providers mirror` in {PLUGINS}."
    )
