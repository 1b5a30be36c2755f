//! Grows the trees by which the detector weighs timings (`src/detect/trees.rs`), from material made here. Ignored by default: it takes minutes, and
//! espeak-ng of another version grows others. `CLARION_UPDATE=1` writes them.

mod detect_material;

use std::fmt::Write;

use clarion_sip::detect::{DetectConfig, Detector, INPUTS, Tree, inputs};
use detect_material::{Chance, TRAINING, line, machine, person};

const EACH: usize = 1_500;
const TREES: usize = 32;
/// How much each tree adds of what it would be right to add.
const RATE: f32 = 0.25;
const LEAF_PULL: f32 = 20.0;
/// A person called a machine is worse than a machine that is found late.
const PERSON_WEIGHT: f32 = 3.0;
const BOUNDS: usize = 24;

struct Moment {
    inputs: [f32; INPUTS],
    is_machine: bool,
    weight: f32,
    score: f32,
}

/// What is known at every tenth of a second from the first word, to the seventh second.
fn moments(audio: &[i16], is_machine: bool, all: &mut Vec<Moment>) {
    let mut detector = Detector::new(DetectConfig::default());
    let weight = if is_machine { 1.0 } else { PERSON_WEIGHT };
    for (n, frame) in audio.as_chunks::<160>().0.iter().enumerate().take(350) {
        detector.hear(frame);
        let heard = detector.features();
        if n % 5 == 4 && heard.first_speech_ms.is_some() {
            all.push(Moment { inputs: inputs(&heard), is_machine, weight, score: 0.0 });
        }
    }
}

fn bounds(moments: &[Moment]) -> Vec<Vec<f32>> {
    (0..INPUTS).map(|input| {
        let mut values: Vec<f32> = moments.iter().map(|moment| moment.inputs[input]).collect();
        values.sort_by(f32::total_cmp);
        let mut bounds: Vec<f32> = (1..BOUNDS).map(|n| values[n * values.len() / BOUNDS]).collect();
        bounds.dedup();
        bounds
    }).collect()
}

/// The sum of what is missing, and of how much it may move, for a set of moments.
type Sums = (f32, f32);

fn add(sums: &mut Sums, moment: &Moment) {
    let chance = 1.0 / (1.0 + (-moment.score).exp());
    sums.0 += moment.weight * (f32::from(u8::from(moment.is_machine)) - chance);
    sums.1 += moment.weight * chance * (1.0 - chance);
}

fn gain((missing, moves): Sums) -> f32 {
    missing * missing / (moves + LEAF_PULL)
}

/// The best question to ask of these moments.
fn question(moments: &[&Moment], bounds: &[Vec<f32>]) -> (usize, f32) {
    let mut best = (0, f32::MAX, f32::MIN);
    for (input, bounds) in bounds.iter().enumerate() {
        let mut bins = vec![(0.0, 0.0); bounds.len() + 1];
        moments.iter().for_each(|moment| add(&mut bins[bounds.partition_point(|bound| *bound <= moment.inputs[input])], moment));
        let all = bins.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
        let mut below = (0.0, 0.0);
        for (bin, bound) in bins.iter().zip(bounds) {
            below = (below.0 + bin.0, below.1 + bin.1);
            let gained = gain(below) + gain((all.0 - below.0, all.1 - below.1));
            if gained > best.2 {
                best = (input, *bound, gained);
            }
        }
    }
    (best.0, best.1)
}

fn grow(moments: &mut [Moment], bounds: &[Vec<f32>]) -> Tree {
    let mut tree = Tree { at: [(0, f32::MAX); 7], leaf: [0.0; 8] };
    let mut sets: Vec<Vec<&Moment>> = vec![Vec::new(); 15];
    sets[0] = moments.iter().collect();
    for node in 0..7 {
        let set = std::mem::take(&mut sets[node]);
        let (input, bound) = question(&set, bounds);
        tree.at[node] = (input, bound);
        let (below, above) = set.into_iter().partition(|moment| moment.inputs[input] < bound);
        (sets[2 * node + 1], sets[2 * node + 2]) = (below, above);
    }
    for (leaf, set) in tree.leaf.iter_mut().zip(&sets[7..]) {
        let mut sums = (0.0, 0.0);
        set.iter().for_each(|moment| add(&mut sums, moment));
        *leaf = ((RATE * sums.0 / (sums.1 + LEAF_PULL)) * 1_000.0).round() / 1_000.0;
    }
    moments.iter_mut().for_each(|moment| moment.score += tree.leaf[tree.leaf_of(&moment.inputs)]);
    tree
}

#[test]
#[ignore = "grows the trees anew: minutes, and with espeak-ng of another version others"]
fn grow_the_trees() {
    let (mut chance, mut all) = (Chance(77), Vec::new());
    for _ in 0..EACH {
        moments(&line(&person(&TRAINING, &mut chance), &mut chance), false, &mut all);
        moments(&line(&machine(&TRAINING, &mut chance).0, &mut chance), true, &mut all);
    }
    let bounds = bounds(&all);
    let mut text = String::from("//! Grown by `CLARION_UPDATE=1 cargo nextest run -p clarion-sip --test detect_training --run-ignored all`: not edited by hand.\n\nuse super::score::Tree;\n\n#[rustfmt::skip]\npub const TREES: &[Tree] = &[\n");
    for _ in 0..TREES {
        let tree = grow(&mut all, &bounds);
        writeln!(text, "    Tree {{ at: {:?}, leaf: {:?} }},", tree.at, tree.leaf).expect("a string");
    }
    text.push_str("];\n");
    let loss_of = |moment: &Moment| {
        let wrong = if moment.is_machine { -moment.score } else { moment.score };
        (1.0 + wrong.exp()).ln()
    };
    let loss = all.iter().map(loss_of).sum::<f32>() / all.len() as f32;
    println!("{} moments, mean loss {loss:.3}", all.len());
    assert!(loss < 0.45, "the timings tell people from machines: {loss}");
    if std::env::var_os("CLARION_UPDATE").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/detect/trees.rs"), text).expect("written");
    }
}
