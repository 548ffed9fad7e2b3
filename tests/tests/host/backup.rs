//! A copy of the data of a running relay, and what goes on from it.

use nexus_tests::{
    Member,
    hosted::{link, package},
};
use std::{fs, path::Path, process::Output, thread};

/// Copies, by Node, or if that is an old one by Python.
fn back_up(data: &Path, to: &Path) -> Output {
    let bin = tempfile::tempdir().unwrap();
    for program in ["node", "python3"] {
        link(program, bin.path());
    }
    let [data, to] = [data, to].map(|path| path.to_str().unwrap());
    let mut command = package().command(&["backup", "--data", data, "--to", to]);
    command.env("PATH", bin.path()).output().unwrap()
}

#[test]
fn a_conversation_goes_on_from_a_copy_that_was_made_while_it_ran() {
    let folder = tempfile::tempdir().unwrap();
    let [data, copy] = ["data", "copy"].map(|name| folder.path().join(name));
    let hosted = package().serve(&data, &["--rate-limit", "0"]);
    let resident = hosted.api().register("ada");
    let a = hosted.api().session();
    a.send("before");
    let output = thread::scope(|scope| {
        // Copies are made beside its work, and disturb none of it.
        let busy = scope.spawn(|| (0..200).for_each(|n| drop(a.send(&format!("meanwhile {n}")))));
        let output = back_up(&data, &copy);
        busy.join().unwrap();
        output
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.ends_with(&format!("to {}\n", copy.display())), "{told}");
    hosted.stop();

    let restored = package().serve(&copy, &[]);
    let b = Member { api: restored.api(), ..a };
    let (texts, cursor) = b.read_after("0");
    assert_eq!(texts[0], "before");
    let expected = (0..texts.len() - 1).map(|n| format!("meanwhile {n}"));
    assert!(texts[1..].iter().cloned().eq(expected), "{texts:?}");
    b.send("after");
    assert_eq!(b.read_after(&cursor).0, ["after"]);
    let ada = nexus_tests::agents::Resident { api: restored.api(), ..resident };
    assert_eq!(ada.poll("")["messages"].as_array().unwrap().len(), 0);
    restored.stop();
}

#[test]
fn a_copy_replaces_nothing_and_leaves_nothing_in_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let [data, copy] = ["data", "copy"].map(|name| folder.path().join(name));
    let hosted = package().serve(&data, &[]);
    hosted.api().session();
    hosted.stop();
    let files = || fs::read_dir(data.join("objects/nexus-relay-Session")).unwrap().count();
    let before = files();
    assert!(back_up(&data, &copy).status.success());
    assert_eq!(files(), before, "nothing is left in the data");
    for (to, sentence) in [
        (copy, "exists already"),
        (data.join("copy"), "lies in the data"),
        (data.join("..copy"), "lies in the data"),
    ] {
        let output = back_up(&data, &to);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && told.contains(sentence), "{told}");
    }
}
