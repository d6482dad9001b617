//! Environment variables that override keys of the file: `HONGYAN_SECTION__KEY`.

use super::{Config, ConfigError};

/// Sets the keys that `environment` names; whatever else it holds is not ours to judge.
pub(super) fn override_from_environment(
    mut config: Config,
    mut table: toml::Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let defaults = toml::Table::try_from(Config::default()).expect("the defaults can be written as TOML");
    for (name, text) in environment {
        let Some(key) = name.strip_prefix("HONGYAN_") else {
            continue;
        };
        let key = key.to_ascii_lowercase();
        let (section, key) = match key.split_once("__") {
            Some((section, key)) => (Some(section), key),
            None if defaults.get(&key).is_some_and(|value| !value.is_table()) => (None, key.as_str()),
            None => continue,
        };
        let known = match section {
            None => defaults.get(key),
            Some(section) => defaults.get(section).and_then(|section| section.get(key)),
        };
        let Some(known) = known else {
            return Err(ConfigError(format!("environment {name}: there is no such key")));
        };
        let value = match known {
            toml::Value::String(_) => toml::Value::String(text),
            _ => text.trim().parse().map_err(|_| {
                ConfigError(format!(
                    "environment {name}: a value such as {known} is wanted, in TOML's syntax"
                ))
            })?,
        };
        let section_table = match section {
            None => &mut table,
            Some(section) => table
                .entry(section)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                .as_table_mut()
                .expect("the file was read as Config, where every section is a table"),
        };
        section_table.insert(key.to_owned(), value);
        config = table.clone().try_into().map_err(|error: toml::de::Error| {
            ConfigError(format!("environment {name}: {}", error.message()))
        })?;
    }
    Ok(config)
}
