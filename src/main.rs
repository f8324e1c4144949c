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
    /// Plays recordings into a session of a running server.
    #[command(subcommand)]
    Replay(commands::replay::Command),
    /// Measures the models on recordings of your own.
    #[command(subcommand)]
    Eval(commands::eval::Command),
    /// Makes a model's weights from data of your own.
    #[command(subcommand)]
    Train(commands::train::Command),
    /// Lets outcomes change the calibration of a model, behind a guard.
    #[command(subcommand)]
    Learn(commands::learn::Command),
    /// Manages model weights.
    #[command(subcommand)]
    Models(commands::models::Command),
    /// Measures this machine and the models on it, beside others.
    #[command(subcommand)]
    Bench(commands::bench::Command),
    /// Shows what the models of a running server are doing, and changes how they do it.
    Pools(commands::pools::Options),
    /// Checks the configuration and prints it as it would be used.
    ValidateConfig,
}

/// How OpenMP's threads wait for each other, which its runtime reads when it is loaded.
const WAIT_POLICY: &str = "OMP_WAIT_POLICY";

/// Starts the program anew with threads that sleep while they wait, unless somebody has decided otherwise. Threads that
/// spin made recognition five to fifteen times slower on busy cores.
#[cfg(unix)]
fn with_patient_threads() {
    use std::os::unix::process::CommandExt as _;
    if std::env::var_os(WAIT_POLICY).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    // It returns only when it failed: then recognition is slower, and nothing else is wrong.
    let _ = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(WAIT_POLICY, "passive").exec();
}

#[cfg(not(unix))]
fn with_patient_threads() {}

fn main() -> ExitCode {
    with_patient_threads();
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
        Command::Replay(command) => commands::replay::run(&config, &command),
        Command::Eval(command) => commands::eval::run(&config, command),
        Command::Train(command) => commands::train::run(command),
        Command::Learn(command) => commands::learn::run(&config, command),
        Command::Models(command) => commands::models::run(&config, command),
        Command::Bench(command) => commands::bench::run(&config, command),
        Command::Pools(options) => commands::pools::run(&config, options),
        Command::ValidateConfig => {
            print!("{}", toml::to_string_pretty(&config)?);
            Ok(())
        }
    }
}
