//! Checks that modules of the crate import each other without cycles. A folder counts as one module.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Returns the source files, each with the name of its module.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                let module = relative.components().next().unwrap().as_os_str().to_string_lossy();
                sources.push((module.trim_end_matches(".rs").to_string(), path));
            }
        }
    }
    sources
}

/// Returns the code of a file without its comments and its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns the identifiers after each `crate::`, including those in braces.
fn names_after_crate(code: &str) -> Vec<String> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let first = |text: &str| text.trim().split(|character| !is_part(character)).next().unwrap_or("").to_string();
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split('}').next().unwrap().split(',').map(first)),
            None => names.push(first(rest)),
        }
    }
    names
}

fn imports() -> Imports {
    let sources = sources();
    let modules: BTreeSet<String> = sources.iter().map(|(module, _)| module.clone()).filter(|it| it != "lib").collect();
    // Importing a name that `lib.rs` re-exports counts as an import of the module that defines the name.
    let mut exported = BTreeMap::new();
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for statement in lib.split("pub use ").skip(1) {
        let (module, names) = statement.split(';').next().unwrap().split_once("::").unwrap();
        for name in names.trim_matches(['{', '}']).split(',') {
            exported.insert(name.trim().to_string(), module.to_string());
        }
    }
    let mut imports = Imports::new();
    for (module, path) in &sources {
        for name in names_after_crate(&code(path)) {
            let target = if modules.contains(&name) { Some(&name) } else { exported.get(&name) };
            if let Some(target) = target.filter(|target| *target != module && module != "lib") {
                imports.entry(module.clone()).or_default().insert(target.clone());
            }
        }
    }
    imports
}

/// Returns an import cycle that contains a module, or None.
fn circle(imports: &Imports, path: &mut Vec<String>) -> Option<Vec<String>> {
    let last = path.last().unwrap().clone();
    for next in imports.get(&last).into_iter().flatten() {
        if next == &path[0] {
            return Some(path.clone());
        }
        if !path.contains(next) {
            path.push(next.clone());
            if let Some(found) = circle(imports, path) {
                return Some(found);
            }
            path.pop();
        }
    }
    None
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let imports = imports();
    assert!(imports["engine"].contains("http1"), "{imports:?}");
    let circles: Vec<_> = imports.keys().filter_map(|module| circle(&imports, &mut vec![module.clone()])).collect();
    assert!(circles.is_empty(), "{circles:?}");
}

#[test]
fn the_grammar_imports_nothing() {
    let imports = imports();
    for leaf in ["token", "authority", "refusal", "peer", "method", "limits"] {
        assert_eq!(None, imports.get(leaf), "{leaf}");
    }
}
