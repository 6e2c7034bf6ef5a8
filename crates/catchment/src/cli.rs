//! The command line: what can be typed.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// Brings documents from where teams keep them into an index that can be asked.
///
/// An ADDRESS is a path (./docs) or a URL (s3://bucket/prefix). Settings that an address cannot
/// carry are given with --set NAME=VALUE or in the environment; `catchment connectors VENDOR`
/// lists them.
#[derive(Debug, Parser)]
#[command(name = "catchment", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something went wrong here: please report it
  2  the command line is not right
  3  done, but for some files: each is listed with its reason
  4  a setting, a credential or a permission has to be corrected
  5  not available at the moment: try again later
  6  nothing was found that answers the question
  7  the check found damage (verify)
  130  interrupted; run the same command again to go on";

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where the database lives.
    #[arg(long, global = true, value_name = "DIR", env = "CATCHMENT_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Settings in TOML; by default `catchment.toml` in the data directory.
    #[arg(long, global = true, value_name = "FILE", env = "CATCHMENT_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// For programs: one JSON object a line on standard output.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// No progress bars.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Imports the sample documents that come with Catchment, and asks them a question.
    Demo(Demo),
    /// Lists the connectors, or the settings of one.
    Connectors {
        /// Show the settings of this one.
        vendor: Option<String>,
    },
    /// Connects to a vendor: opens the page where you consent, and keeps the connection.
    Login(Login),
    /// Tries a connection and says what it leads to, or what is wrong.
    Test(Target),
    /// Lists what is there.
    Browse(Browse),
    /// Downloads files and folders as they are.
    Download(Download),
    /// Reads files and folders into the index.
    Import(Import),
    /// Answers a question from what was imported.
    Ask(Ask),
    /// Holds the ledger against the index.
    Verify {
        /// Mend what was found: orphans are removed, what is missing is read again at the next import.
        #[arg(long)]
        repair: bool,
    },
    /// Serves all of it over HTTP: integrations, imports, questions.
    Serve(Serve),
    /// Moves connections in from another system: one JSON document a line.
    ImportConnections(ImportConnections),
    /// Makes the integrations that an operator has prepared in a TOML file.
    Templates(Templates),
    /// Asks a server whether it is alive; for health checks of containers.
    Health {
        /// Where it listens.
        #[arg(default_value = "http://127.0.0.1:8000")]
        server: String,
    },
    /// Makes a token to try a server with, signed with CATCHMENT_JWT_SECRET.
    Token(Token),
    /// The keys that credentials are sealed under.
    #[command(subcommand)]
    Keys(Keys),
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// Which connection is meant.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// A path or a URL such as s3://bucket/prefix; or a vendor's id, with its settings in --set or
    /// after `catchment login`.
    pub(crate) address: String,

    /// A setting of the connector; may be repeated. `@FILE` reads the value from a file, which
    /// keeps a secret out of the shell's history.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The vendor's id, for example google_drive.
    pub(crate) vendor: String,

    /// A setting of the connector; may be repeated. `@FILE` reads the value from a file.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) settings: Vec<String>,

    /// Consent in a browser on another machine, by typing a code there.
    #[arg(long)]
    pub(crate) device: bool,

    /// The port of this machine that the browser comes back to, where the vendor wants it registered.
    #[arg(long, value_name = "N", conflicts_with = "device")]
    pub(crate) port: Option<u16>,

    /// A scope to ask for instead of the connector's own; may be repeated.
    #[arg(long = "scope", value_name = "NAME")]
    pub(crate) scopes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Browse {
    #[command(flatten)]
    pub(crate) target: Target,

    /// A path below the address.
    #[arg(default_value = "")]
    pub(crate) path: String,

    /// Every file below, not one level.
    #[arg(long, short)]
    pub(crate) recursive: bool,

    /// Only what has this in its name.
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,

    /// Stop after this many.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Download {
    #[command(flatten)]
    pub(crate) target: Target,

    /// A file or folder below the address; all of it by default.
    #[arg(default_value = "")]
    pub(crate) path: String,

    /// The folder the files go into. Files that are there already, of the same size and time, are left as they are;
    /// nothing is deleted.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,

    /// Files at once.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) concurrency: NonZeroUsize,

    /// Leave out files of more bytes than this.
    #[arg(long, value_name = "N")]
    pub(crate) max_bytes: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) target: Target,

    /// Files or folders below the address; all of it by default.
    pub(crate) paths: Vec<String>,

    #[command(flatten)]
    pub(crate) how: How,
}

/// How to import.
#[derive(Debug, Clone, Args)]
pub(crate) struct How {
    /// A label that a question can be narrowed to.
    #[arg(long, value_name = "NAME")]
    pub(crate) portfolio: Option<String>,

    /// List and read everything again, unchanged or not, quarantined or not.
    #[arg(long)]
    pub(crate) full: bool,

    /// Remove what is gone at the source even when it is unusually much.
    #[arg(long)]
    pub(crate) approve_removals: bool,

    /// Files at once.
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// The question.
    pub(crate) question: String,

    #[command(flatten)]
    pub(crate) narrow: Narrow,
}

/// What to look in.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Narrow {
    /// Go on with a thread; its id stands under each answer.
    #[arg(long, value_name = "ID")]
    pub(crate) thread: Option<String>,

    /// Only in this portfolio.
    #[arg(long, value_name = "NAME")]
    pub(crate) portfolio: Option<String>,

    /// Only in these integrations, by number; may be repeated.
    #[arg(long = "integration", value_name = "ID")]
    pub(crate) integrations: Vec<i64>,

    /// Passages to answer from.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) top_k: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; 127.0.0.1:8000 unless the settings say otherwise. Other addresses than
    /// those of this machine need CATCHMENT_AUTH=jwt.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportConnections {
    /// The file: userId, organizationId, integrationType, accessToken and so on, one object a line.
    pub(crate) file: PathBuf,

    /// Say what would be done, and store nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The organization of documents that name none.
    #[arg(long, value_name = "SLUG")]
    pub(crate) organization: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// The file, with an [[integration]] for each.
    pub(crate) file: PathBuf,

    /// Say what would be done, and store nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Whose they are to be.
    #[arg(long, requires = "user")]
    pub(crate) organization: Option<String>,

    /// Whose they are to be.
    #[arg(long, requires = "organization")]
    pub(crate) user: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Whose token it is.
    #[arg(long)]
    pub(crate) user: String,

    /// The organization's slug.
    #[arg(long)]
    pub(crate) organization: String,

    /// For an administrator of the organization.
    #[arg(long)]
    pub(crate) admin: bool,

    /// How long it is good for.
    #[arg(long, value_name = "HOURS", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=24 * 365))]
    pub(crate) hours: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Seals every credential under the current key. Servers may go on; interrupted, run it again.
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Make a new key in the key file first.
    #[arg(long)]
    pub(crate) new_key: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Ask this instead.
    pub(crate) question: Option<String>,
}
