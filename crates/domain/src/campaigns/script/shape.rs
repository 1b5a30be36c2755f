//! The shape of a script as a graph: what no way leads to, and where one goes round for ever.

use crate::campaigns::script::fault::{ScriptFault, ScriptFaultKind};
use crate::campaigns::script::step::{Act, Script, StepId};

pub(super) fn faults(script: &Script) -> Vec<ScriptFault> {
    let mut faults = unreachable(script);
    if let Some(circle) = circle(script) {
        let names: Vec<String> = circle.iter().map(|id| script.step(*id).name.clone()).collect();
        faults.push(ScriptFault::of(&names[0].clone(), ScriptFaultKind::EndlessLoop(names)));
    }
    faults
}

fn unreachable(script: &Script) -> Vec<ScriptFault> {
    let mut reached = vec![false; script.steps.len()];
    let mut ahead: Vec<StepId> = [Some(script.start), script.machine].into_iter().flatten().collect();
    while let Some(id) = ahead.pop() {
        if !std::mem::replace(&mut reached[usize::from(id.0)], true) {
            ahead.extend(script.step(id).act.ways().into_iter().map(|(_, to)| to));
        }
    }
    let lost = script.steps.iter().zip(reached).filter(|(_, reached)| !reached);
    lost.map(|(step, _)| ScriptFault::of(&step.name, ScriptFaultKind::Unreachable)).collect()
}

/// The ways that are taken when the person presses nothing. A gather asks again only so often, then goes the way of its timeout.
fn ways_of_silence(act: &Act) -> Vec<StepId> {
    match act {
        Act::Gather(gather) => vec![gather.timeout],
        act => act.ways().into_iter().map(|(_, to)| to).collect(),
    }
}

/// A circle of steps that needs no key to go round, if there is one.
fn circle(script: &Script) -> Option<Vec<StepId>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnTheWay,
        Done,
    }
    let mut marks = vec![Mark::New; script.steps.len()];
    for start in 0..script.steps.len() as u16 {
        // Each entry is a step with the ways out of it that are still to be tried.
        let mut path: Vec<(StepId, Vec<StepId>)> = Vec::new();
        let mut next = (marks[usize::from(start)] == Mark::New).then_some(StepId(start));
        loop {
            if let Some(id) = next.take() {
                marks[usize::from(id.0)] = Mark::OnTheWay;
                path.push((id, ways_of_silence(&script.step(id).act)));
            }
            let Some((id, ways)) = path.last_mut() else { break };
            match ways.pop() {
                Some(to) => match marks[usize::from(to.0)] {
                    Mark::New => next = Some(to),
                    Mark::OnTheWay => return Some(path.iter().map(|(id, _)| *id).skip_while(|id| *id != to).collect()),
                    Mark::Done => {}
                },
                None => {
                    marks[usize::from(id.0)] = Mark::Done;
                    path.pop();
                }
            }
        }
    }
    None
}
