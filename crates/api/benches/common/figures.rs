//! Settings, medians, and the load of the machine.

use std::str::FromStr;
use std::{env, fs, thread};

/// A number from the environment. Panics if it is invalid.
pub(crate) fn setting<T: FromStr>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |value| {
        value.parse().unwrap_or_else(|_| panic!("{name}={value} must be a whole number"))
    })
}

/// The items of `all` that the environment lists by name, separated by commas; all if the variable is not set. Panics
/// at an unknown name.
pub(crate) fn chosen<T: Copy>(name: &str, all: &[T], name_of: impl Fn(T) -> String) -> Vec<T> {
    let Ok(list) = env::var(name) else { return all.to_vec() };
    let find = |wanted: &str| {
        let found = all.iter().copied().find(|it| name_of(*it) == wanted);
        found.unwrap_or_else(|| {
            let names: Vec<_> = all.iter().copied().map(&name_of).collect();
            panic!("{name}={list}: {wanted:?} is none of {}", names.join(", "))
        })
    };
    list.split(',').map(|wanted| find(wanted.trim())).collect()
}

/// The median, the higher one of two; `None` if there are no figures.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// The number of processors.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}

/// The load average of the last minute, for readers to judge the figures.
pub(crate) fn load_average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().filter(|it| !it.is_empty()).unwrap_or("unknown").to_owned()
}

/// A figure without decimals, with thousands separators.
pub(crate) fn whole(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
