//! The `healthsync` command.

use clap::{Parser, Subcommand};
use healthsync::{commands, config::Config};
use std::{path::PathBuf, process::ExitCode};

/// Every event is many small allocations, made on one thread and freed on another, which is what it is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// Settings that libraries read from the environment, where nobody has decided otherwise. OpenMP's threads sleep while they
/// wait for each other: those that spin made recognition five to fifteen times slower on busy cores. candle is told how many
/// threads there are, which it would otherwise read from /proc/cpuinfo before every matrix product: that took longer than
/// the products of the learned risk.
fn environment() -> [(&'static str, String); 2] {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    [("OMP_WAIT_POLICY", "passive".into()), ("RAYON_NUM_THREADS", threads.to_string())]
}

/// Starts the program anew with those settings that are missing: OpenMP's runtime reads them when it is loaded, before
/// there is a program to set them.
#[cfg(unix)]
fn with_environment() {
    use std::os::unix::process::CommandExt as _;
    let missing: Vec<_> = environment().into_iter().filter(|(name, _)| std::env::var_os(name).is_none()).collect();
    if missing.is_empty() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    // It returns only when it failed: then models are slower, and nothing else is wrong.
    let _ = std::process::Command::new(program).args(std::env::args_os().skip(1)).envs(missing).exec();
}

#[cfg(not(unix))]
fn with_environment() {}

fn main() -> ExitCode {
    with_environment();
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
