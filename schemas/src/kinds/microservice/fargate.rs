//! Which sizes a Fargate task can have: facts about AWS.

/// CPU units with the least and the most memory in MiB, and the step between.
const SIZES: [(i64, i64, i64, i64); 7] = [
    (256, 512, 2_048, 512),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

fn memories(size: &(i64, i64, i64, i64)) -> Vec<i64> {
    let step = usize::try_from(size.3).unwrap_or(1);
    // The smallest size is the one whose steps are not even.
    let all = (size.1..=size.2).step_by(step);
    all.filter(|memory| size.0 != 256 || *memory != 1_536).collect()
}

/// Which field of a size is wrong, and the nearest that Fargate has; none if it has it.
pub(super) fn misfit(cpu: i64, memory: i64) -> Option<(&'static str, String)> {
    let Some(size) = SIZES.iter().find(|size| size.0 == cpu) else {
        let near = SIZES.iter().min_by_key(|size| (size.0 - cpu).abs()).map(|size| size.0).unwrap_or_default();
        let all: Vec<String> = SIZES.iter().map(|size| size.0.to_string()).collect();
        let all = all.join(", ");
        return Some(("/cpu", format!("Fargate has no tasks of {cpu} CPU units; the nearest is {near} (of {all})")));
    };
    let all = memories(size);
    if all.contains(&memory) {
        return None;
    }
    let below = all.iter().rev().find(|it| **it < memory);
    let above = all.iter().find(|it| **it > memory);
    let near: Vec<String> = below.into_iter().chain(above).map(ToString::to_string).collect();
    let near = near.join(" and ");
    Some(("/memory", format!("Fargate has no task of {cpu} CPU units with {memory} MiB; the nearest: {near} MiB")))
}

#[cfg(test)]
mod tests {
    use super::misfit;

    #[test]
    fn the_nearest_sizes_are_named() {
        assert_eq!((misfit(256, 1_024), misfit(512, 1_024), misfit(4_096, 30_720)), (None, None, None));
        let says = |cpu, memory, words: &str| misfit(cpu, memory).is_some_and(|(_, said)| said.contains(words));
        assert!(says(512, 512, "the nearest: 1024 MiB"));
        assert!(says(1_024, 2_500, "the nearest: 2048 and 3072 MiB"));
        assert!(says(256, 1_536, "the nearest: 1024 and 2048 MiB"));
        assert!(says(500, 1_024, "the nearest is 512"));
    }
}
