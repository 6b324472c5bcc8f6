//! Which repository of ECR an image comes from. Source: ECR User Guide, "Registry authentication" and "FIPS and dual-stack endpoints".

/// The ARN of the repository that an image is pulled from; none for images from elsewhere.
pub fn repository_arn(image: &str, partition: &str) -> Option<String> {
    let (host, path) = image.split_once('/')?;
    let (account, rest) = host.split_once('.')?;
    let rest =
        ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."].iter().find_map(|at| rest.strip_prefix(at))?;
    let region = rest.split('.').next()?;
    let name = path.split(['@', ':']).next()?;
    let is_account = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    (is_account && !region.is_empty() && !name.is_empty())
        .then(|| format!("arn:{partition}:ecr:{region}:{account}:repository/{name}"))
}

#[cfg(test)]
mod tests {
    use super::repository_arn;

    #[test]
    fn an_image_names_its_repository() {
        let arn = Some("arn:aws:ecr:us-west-2:123456789012:repository/acme/papyrus".to_owned());
        for image in [
            "123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus",
            "123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus:v1",
            "123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus@sha256:0a",
            "123456789012.dkr.ecr-fips.us-west-2.amazonaws.com/acme/papyrus:v1@sha256:0a",
            "123456789012.dkr-ecr.us-west-2.on.aws/acme/papyrus:v1",
        ] {
            assert_eq!(repository_arn(image, "aws"), arn, "{image}");
        }
        for image in [
            "nginx",
            "acme/papyrus:v1",
            "public.ecr.aws/docker/library/nginx",
            "1234.dkr.ecr.eu-west-1.amazonaws.com/a",
        ] {
            assert_eq!(repository_arn(image, "aws"), None, "{image}");
        }
    }
}
