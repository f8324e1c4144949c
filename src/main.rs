//! The `healthsync` command.

use clap::{Parser, Subcommand};
use healthsync::{commands, config::Config};
use std::{path::PathBuf, process::ExitCode};

/// A live clinical co-pilot for telemedicine. Decision support, not diagnosis.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Configuration file; `healthsync.toml` if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the server.
    Serve,
    /// Plays a consultation through the doors of a running server and prints what came back.
    Demo(commands::demo::Options),
    /// Manages model weights.
    #[command(subcommand)]
    Models(commands::models::Command),
    /// Measures this machine and the models on it, beside others.
    #[command(subcommand)]
    Bench(commands::bench::Command),
    /// Checks the configuration and prints it as it would be used.
    ValidateConfig,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("healthsync: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let config = Config::load(cli.config.as_deref())?;
    match cli.command {
        Command::Serve => commands::serve::run(config),
        Command::Demo(options) => commands::demo::run(&config, &options),
        Command::Models(command) => commands::models::run(&config, command),
        Command::Bench(command) => commands::bench::run(&config, command),
        Command::ValidateConfig => {
            print!("{}", toml::to_string_pretty(&config)?);
            Ok(())
        }
    }
}
