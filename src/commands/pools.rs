//! `healthsync pools`: what the models of a running server are doing, live in the terminal.

mod table;

use crate::config::Config;
use clap::{Args, Subcommand};
use healthsync_actors::pool::PoolStats;
use healthsync_loadtests::{ApiClient, ClientError};
use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

const POOLS: &str = "/api/v1/pools";

#[derive(Debug, Args)]
pub struct Options {
    /// The server's HTTP door; the configured one when absent.
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Shows the figures since the server started, once.
    #[arg(long)]
    once: bool,
    /// Prints the figures as the server gives them, once.
    #[arg(long, conflicts_with = "once")]
    json: bool,
    /// Seconds between two looks, 0.1 to 3600.
    #[arg(long, default_value_t = 1.0, value_parser = seconds)]
    every: f64,
    #[command(subcommand)]
    action: Option<Action>,
}

/// What is done to a pool. The server must be configured with `operations.changes`.
#[derive(Debug, Subcommand)]
enum Action {
    /// Changes settings: `healthsync pools set transcribe max_batch=4 latency_target_ms=100 preferred=[2,4]`.
    Set {
        pool: String,
        #[arg(required = true, value_parser = setting)]
        settings: Vec<(String, serde_json::Value)>,
    },
    /// Loads the model anew beside the one that serves, then lets it take over.
    Reload {
        pool: String,
        /// Share of the requests it gets until it is promoted or rolled back: above 0, at most 1.
        #[arg(long, default_value_t = 1.0)]
        share: f32,
    },
    /// Lets the version that serves a share serve everything.
    Promote { pool: String },
    /// Takes the version that serves a share away again.
    RollBack { pool: String },
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=3_600.0).contains(&seconds) { Ok(seconds) } else { Err("0.1 to 3600".to_owned()) }
}

fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    let value = serde_json::from_str(value).map_err(|_| format!("{key} must be a number or a list of numbers"))?;
    Ok((key.to_owned(), value))
}

pub fn run(config: &Config, options: Options) -> anyhow::Result<()> {
    let url = options.url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
    super::runtime()?.block_on(async {
        let api = ApiClient::new(&url)?;
        match &options.action {
            Some(action) => act(&api, action).await,
            None => show(&api, &options).await,
        }
    })
}

async fn act(api: &ApiClient, action: &Action) -> anyhow::Result<()> {
    let said = match action {
        Action::Set { pool, settings } => {
            let change = settings.iter().cloned().collect();
            let now: Result<serde_json::Value, _> =
                api.patch("changing a pool", &format!("{POOLS}/{pool}"), &change).await;
            now.map(|now| format!("{now:#}"))
        }
        Action::Reload { pool, share } => {
            api.ask("loading a model", &format!("{POOLS}/{pool}/reload?share={share}")).await
        }
        Action::Promote { pool } => api.ask("promoting a version", &format!("{POOLS}/{pool}/promote")).await,
        Action::RollBack { pool } => api.ask("rolling a version back", &format!("{POOLS}/{pool}/roll-back")).await,
    };
    println!("{}", said.map_err(explained)?);
    Ok(())
}

/// The routes that change something are there only where they are allowed.
fn explained(error: ClientError) -> anyhow::Error {
    let not_there = matches!(&error, ClientError::Status { status: 404 | 405, .. });
    let error = anyhow::Error::from(error);
    if not_there {
        return error.context("there is no such pool, or the server is not configured with operations.changes = true");
    }
    error
}

async fn show(api: &ApiClient, options: &Options) -> anyhow::Result<()> {
    if options.json {
        let pools: serde_json::Value = api.get("reading pools", POOLS).await?;
        println!("{}", serde_json::to_string_pretty(&pools)?);
        return Ok(());
    }
    let mut before: Vec<PoolStats> = api.get("reading pools", POOLS).await?;
    if options.once {
        print!("{}", table::since_start(&before));
        return Ok(());
    }
    let mut looked = Instant::now();
    let redraws = std::io::stdout().is_terminal();
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(options.every)) => {}
            stop = tokio::signal::ctrl_c() => return Ok(stop?),
        }
        let pools: Vec<PoolStats> = api.get("reading pools", POOLS).await?;
        let passed = looked.elapsed();
        looked = Instant::now();
        // Home and clear to the end, rather than clearing everything first: it does not flicker.
        let (start, end) = if redraws { ("\x1b[H", "\x1b[J") } else { ("", "\n") };
        let mut out = std::io::stdout().lock();
        write!(out, "{start}{}{end}", table::between(&before, &pools, passed))?;
        out.flush()?;
        before = pools;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_name_and_a_number_or_a_list() {
        assert_eq!(setting("max_batch=4").unwrap(), ("max_batch".to_owned(), 4.into()));
        assert_eq!(setting("preferred=[2,4]").unwrap().1, serde_json::json!([2, 4]));
        assert!(setting("max_batch").is_err());
        assert!(setting("max_batch=many").unwrap_err().contains("max_batch"));
    }
}
