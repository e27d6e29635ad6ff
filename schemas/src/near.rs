//! The name that was probably meant.

/// The nearest of `known` to `given`, if one is near enough to be a slip of the pen.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&given.to_lowercase(), &name.to_lowercase());
    let near = known.into_iter().map(|name| (distance(name), name)).min()?;
    (near.0 <= 1 + given.len() / 3).then_some(near.1)
}
