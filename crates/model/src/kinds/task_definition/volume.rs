//! The volumes of a task.

/// A volume of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Volume {
    /// On the task's own storage.
    #[default]
    Task,
    /// By a word: `configured_at_launch`.
    Word(VolumeWord),
    /// In full.
    Full(VolumeOf),
}

short_or_full!(Volume: "`{}`, `configured_at_launch`, or `{ efs: { file_system: fs-… } }`",
    text => |text| VolumeWord::read(text).map(Volume::Word)
        .ok_or_else(|| format!("`{text}` is no volume; write `configured_at_launch`, or {{ efs: {{ file_system: fs-… }} }}")),
    nothing => Volume::Task,
    map => Volume::Full);

impl Volume {
    /// In full.
    pub fn full(&self) -> VolumeOf {
        match self {
            Self::Task => VolumeOf::default(),
            Self::Word(VolumeWord::ConfiguredAtLaunch) => {
                VolumeOf { configured_at_launch: true, ..VolumeOf::default() }
            }
            Self::Full(volume) => volume.clone(),
        }
    }
}

words! {
    /// A volume that needs nothing but a word.
    pub enum VolumeWord {
        /// The service says what it is.
        ConfiguredAtLaunch = "configured_at_launch" => "configuredAtLaunch",
    }
}

/// A volume in full.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VolumeOf {
    /// On an EFS file system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efs: Option<Efs>,
    /// What it is stands in the service's `volumes`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub configured_at_launch: bool,
}

/// A volume on an EFS file system.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Efs {
    /// The file system: `fs-…`.
    pub file_system: String,
    /// The directory that is mounted; `/` unless stated. With an access point that point's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<String>,
    /// Whether data is encrypted on its way. Needed for `access_point` and `iam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<bool>,
    /// The port for encrypted data: 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transit_encryption_port: Option<u32>,
    /// The access point: `fsap-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_point: Option<String>,
    /// Whether the task role decides on access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam: Option<bool>,
}
