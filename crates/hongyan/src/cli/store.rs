//! `hongyan store dump`: the rows of a stopped server's store as JSON, a row a line.

use clap::Subcommand;

use super::{CommandError, Data, Outcome, print};
use crate::data::DataDirectory;

/// The commands.
#[derive(Subcommand)]
pub enum Store {
    /// Print rows as JSON, one a line; credentials and bodies are left out
    #[command(after_help = "Example:\n  hongyan store dump --family records --data ./data")]
    Dump {
        /// One family of rows; all when left out
        #[arg(long, value_name = "NAME")]
        family: Option<String>,
        #[command(flatten)]
        data: Data,
    },
}

impl Store {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let Self::Dump { family, data } = self;
        let families: Vec<store::Family> = store::Family::ALL
            .iter()
            .copied()
            .filter(|known| family.as_deref().is_none_or(|family| known.name() == family))
            .collect();
        if families.is_empty() {
            let names: Vec<&str> = store::Family::ALL.iter().copied().map(store::Family::name).collect();
            let names = names.join(", ");
            return Err(CommandError(format!("there is no such family of rows; there are {names}")));
        }
        let directory = DataDirectory::open(&data.data)?;
        let store = store::Store::open(&directory.store())?;
        for family in families {
            store.dump(family, print)?;
        }
        Ok(())
    }
}
