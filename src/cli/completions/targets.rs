//! The listeners that are there at the moment a key is pressed: ports, and the names of the programs that hold them. The scripts ask
//! for them with a hidden option of `qviz watch`.

use std::collections::BTreeSet;

use crate::kernel::census::Census;
use crate::kernel::owners::Owners;

/// One a line, such as a shell takes without quotes; nothing where they cannot be read.
pub(in crate::cli) fn list() -> String {
    let mut listeners = Vec::new();
    if Census::open().and_then(|mut census| census.read(&mut listeners).map(drop)).is_err() {
        return String::new();
    }
    listeners.retain(|listener| listener.address.port().is_some());
    let ports: BTreeSet<_> = listeners.iter().filter_map(|listener| listener.address.port()).collect();
    let mut owners = Owners::open();
    owners.read_whole(&listeners.iter().map(|listener| listener.inode).collect());
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let names: BTreeSet<_> = owners.all().map(|(_, owner)| owner.command.as_str()).filter(plain).collect();
    let ports = ports.iter().map(ToString::to_string);
    ports.chain(names.into_iter().map(str::to_owned)).fold(String::new(), |list, word| list + &word + "\n")
}

/// The same behind the scripts of clap, which leave the targets of `watch` and `tune` open.
pub(super) fn for_bash() -> &'static str {
    r#"
_qviz_listeners() {
    _qviz "$@"
    case " ${COMP_WORDS[*]} " in
        *" watch "* | *" tune "*)
            if [[ ${COMP_WORDS[COMP_CWORD]} != -* && ${COMP_WORDS[COMP_CWORD-1]} != -* ]]; then
                COMPREPLY+=( $(compgen -W "$(qviz watch --print-targets 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}") )
            fi
            ;;
    esac
}
complete -F _qviz_listeners -o bashdefault -o default qviz
"#
}

/// A line for each command.
pub(super) fn for_fish() -> &'static str {
    "complete -c qviz -n \"__fish_qviz_using_subcommand watch\" -f -a \"(qviz watch --print-targets 2>/dev/null)\"\n\
     complete -c qviz -n \"__fish_qviz_using_subcommand tune\" -f -a \"(qviz watch --print-targets 2>/dev/null)\"\n"
}

/// The action of an argument that takes a target, in the place of the one for anything.
pub(super) fn for_zsh(script: &str) -> String {
    let asks = |line: &str| {
        let is_target = line.starts_with("'::target -- ") || line.starts_with("':target -- ");
        match line.rsplit_once(":_default'") {
            Some((before, after)) if is_target => {
                format!("{before}:{{compadd -- ${{(f)\"$(qviz watch --print-targets 2>/dev/null)\"}}}}'{after}")
            }
            _ => line.to_owned(),
        }
    };
    script.split('\n').map(asks).collect::<Vec<_>>().join("\n")
}
