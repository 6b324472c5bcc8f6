//! The world of one test: an account, a proxy in front of it, a directory, and the real binary.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, Client};
use crate::emulator::{Emulator, Kind};
use crate::error::{HarnessError, Result};
use crate::invocation::{Invocation, Run};
use crate::lease::Lease;
use crate::proxy::{Config, Proxy};

/// Variables that a program keeps from the surroundings; everything else is set here or absent.
const KEPT: &[&str] = &["PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// The only root that programs trust. No test speaks TLS, and a debug build takes longer to read the system's hundreds of
/// roots than to plan.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/root.pem");

/// The parameter that the secret of the example file is read from.
pub const EXAMPLE_PARAMETER: &str = "/papyrus/db-url";

/// Everything that one test needs; gone when dropped.
#[derive(Debug)]
pub struct World {
    lease: Lease,
    proxy: Proxy,
    dir: TempDir,
}

impl World {
    /// Makes a world on the shared emulator, with an account of its own.
    ///
    /// # Errors
    /// When the emulator or the proxy does not start, or no directory can be made.
    pub fn new(kind: Kind) -> Result<Self> {
        Self::of(Emulator::shared(kind)?.lease())
    }

    /// Makes a world for a lease.
    ///
    /// # Errors
    /// When the proxy does not start, or no directory can be made.
    pub fn of(lease: Lease) -> Result<Self> {
        let config = Config::for_lease(&lease);
        Self::with(lease, config)
    }

    /// Makes a world for a lease with a proxy set up otherwise than [`Config::for_lease`].
    ///
    /// # Errors
    /// When the proxy does not start, or no directory can be made.
    pub fn with(lease: Lease, config: Config) -> Result<Self> {
        let proxy = Proxy::start(config)?;
        let dir = TempDir::new().map_err(|e| HarnessError::caused("could not make a directory for the test", e))?;
        for part in ["work", "home", "tmp"] {
            fs::create_dir(dir.path().join(part))
                .map_err(|e| HarnessError::caused(format!("could not make the directory {part}"), e))?;
        }
        Ok(Self { lease, proxy, dir })
    }

    /// Returns the account.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Returns the proxy.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Returns the address that clients use: the proxy's.
    pub fn endpoint(&self) -> String {
        self.proxy.endpoint()
    }

    /// Returns the directory that programs run in.
    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Returns the home directory of programs.
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Writes a file into the directory that programs run in, and the directories above it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.work().join(name);
        let failed = |e| HarnessError::caused(format!("could not write {}", path.display()), e);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, text).map_err(failed)?;
        Ok(path)
    }

    /// Writes `stack.yaml`, in JSON, which is YAML, a line for each value: a file of the stack `papyrus` in the region of the account.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_stack(&self, file: &Value) -> Result<PathBuf> {
        let mut file = file.clone();
        file["stack"] = json!("papyrus");
        file["region"] = json!(self.lease.region);
        self.write("stack.yaml", format!("{file:#}"))
    }

    /// Reads a file from the directory that programs run in.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: impl AsRef<Path>) -> Result<String> {
        let path = self.work().join(name);
        fs::read_to_string(&path).map_err(|e| HarnessError::caused(format!("could not read {}", path.display()), e))
    }

    /// Runs `hatoba` with these arguments to its end.
    ///
    /// # Errors
    /// When it was not built, cannot be started, or runs longer than two minutes.
    pub fn hatoba(&self, arguments: &[&str]) -> Result<Run> {
        self.hatoba_command(arguments)?.run()
    }

    /// Prepares a run of `hatoba`, to be given input, variables, a limit or its death.
    ///
    /// # Errors
    /// When it was not built.
    pub fn hatoba_command(&self, arguments: &[&str]) -> Result<Invocation<'_>> {
        Ok(self.command(hatoba_binary()?, arguments))
    }

    /// Prepares a run of any program in this world's environment, such as the `aws` command line as a witness. Variables of
    /// the surroundings do not reach it, apart from `PATH` and a few without influence.
    pub fn command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Invocation<'_> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.work()).env_clear();
        for name in KEPT {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", self.home())
            .env("TMPDIR", self.dir.path().join("tmp"))
            .env("LANG", "C.UTF-8")
            .env("SSL_CERT_FILE", ROOT)
            .env("NO_COLOR", "1")
            .env("AWS_ENDPOINT_URL", self.endpoint())
            .env("AWS_ACCESS_KEY_ID", &self.lease.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &self.lease.secret)
            .env("AWS_REGION", &self.lease.region)
            .env("AWS_DEFAULT_REGION", &self.lease.region)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "");
        Invocation::new(command, &self.proxy)
    }

    /// Calls AWS as the administrator of the account, aside of hatoba: its calls are not counted, slowed or broken, but the
    /// tagging API knows of them. For parameters see [`Client::call`].
    ///
    /// # Errors
    /// When no answer came, or one that is not 2xx.
    pub fn aws(&self, service: &str, action: &str, parameters: &Value) -> Result<Answer> {
        let failed = |e| HarnessError::caused(format!("{service}:{action} failed"), e);
        self.client().aside().call(service, action, parameters).and_then(Answer::ok).map_err(failed)
    }

    /// Makes what the example file takes for granted: the parameter that its secret is read from.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn example_parameter(&self) -> Result<()> {
        let parameter = json!({ "Name": EXAMPLE_PARAMETER, "Type": "SecureString", "Value": "x", "Overwrite": true });
        self.aws("ssm", "PutParameter", &parameter).map(drop)
    }

    /// Returns a client whose calls pass the proxy like hatoba's.
    pub fn client(&self) -> Client {
        Client::new(self.endpoint(), &self.lease.access_key, &self.lease.region)
    }
}

/// Returns the `hatoba` to test: that of `HATOBA_BIN`, else the one that cargo built beside the running test.
///
/// # Errors
/// When there is none.
pub fn hatoba_binary() -> Result<PathBuf> {
    let stated = env::var_os("HATOBA_BIN").map(PathBuf::from);
    let path = match stated {
        Some(path) => path,
        None => beside_this_test()?,
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(HarnessError::new(format!(
        "there is no {}: build it with `cargo build` (`make test` does), or name one in HATOBA_BIN",
        path.display()
    )))
}

fn beside_this_test() -> Result<PathBuf> {
    let test = env::current_exe().map_err(|e| HarnessError::caused("could not tell where the test runs", e))?;
    // target/PROFILE/deps/TEST-HASH, and without `deps` for the crate's own programs.
    let dir = test.parent().map(Path::to_owned).unwrap_or_default();
    let profile = if dir.ends_with("deps") { dir.parent().map(Path::to_owned).unwrap_or_default() } else { dir };
    Ok(profile.join("hatoba"))
}
