# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_dragnet_global_optspecs
    string join \n state= config= policy= trust-project-config color= q/quiet v/verbose h/help V/version
end

function __fish_dragnet_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_dragnet_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_dragnet_using_subcommand
    set -l cmd (__fish_dragnet_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c dragnet -n "__fish_dragnet_needs_command" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_needs_command" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_needs_command" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_needs_command" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_needs_command" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_needs_command" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_needs_command" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_needs_command" -s V -l version -d 'Print version'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "plan" -d 'Show what a scan would run, and why, without running it'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "start" -d 'Scan a target and report what was found'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "watch" -d 'Follow a scan until it ends; drive it when nobody else does'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "cancel" -d 'Cancel scans, and keep what they found'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "report" -d 'Report what a scan found, and what it did not see'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "list" -d 'List scans, newest first'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "show" -d 'Show how a scan or one of its jobs stands'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "findings" -d 'List a scan\'s findings, look at one, and say which do not count'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "import" -d 'Make a scan of results that were made elsewhere, and report it'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "logs" -d 'Print what a job\'s scanner said'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "pause" -d 'Pause scans: start no more jobs, let those that run end'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "resume" -d 'Go on with a scan that is paused, or that nobody drives any more'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "retry" -d 'Try again what failed: at once in a scan that goes on, with a new scan of the same plan where it has ended'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "priority" -d 'Let a scan go before others: those with a higher number are driven first'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "schedule" -d 'Start scans at their times, and look at schedules'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "targets" -d 'Keep a registry of what is scanned again and again'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "scanners" -d 'List the scanners of the catalogue, or show one'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "templates" -d 'List the templates, or show one'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "config" -d 'Show the configuration, and trust that of a project'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "state" -d 'Back up, restore and check the state'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "daemon" -d 'Work beside the command line: drive queued scans, clear up what dead processes left'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "notify" -d 'Tell people and programs what became of scans, and see what was told'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "gc" -d 'Remove what no scan needs: leftovers in the engine, old snapshots, drafts of killed processes'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "doctor" -d 'Look whether everything that a scan needs is there'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "agent-image" -d 'Build the image with which dragnet runs inside containers, from this very program'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "completions" -d 'Print a script that completes words in a shell'
complete -c dragnet -n "__fish_dragnet_needs_command" -f -a "man" -d 'Print a manual page'
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -s t -l template -d 'Run this template: one of the catalogue, of the configuration, or a .toml file' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l scanner -d 'Run this scanner, whether it fits or not; may be repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l priority -d 'Dispatch before scans of lower priority' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l parallelism -d 'Run at most so many jobs at once' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l max-duration -d 'Stop the scan after this time, as in 90s or 1h30m' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l max-results -d 'Store at most so many records of one job' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l fail-on -d 'Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than ten); may be repeated' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''
new:critical\t''
new:high\t''
new:medium\t''
new:low\t''
new:info\t''
new:unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -s o -l output -d 'Write the plan to this file' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l format -d 'Print the plan as' -r -f -a "table\t'For people'
json\t'The plan file, as `-o` writes it'
yaml\t'The same in YAML; with a cluster, the manifests that it would be given'"
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l no-engine -d 'Do not look for the images: the plan then names them by their tags'
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -s t -l template -d 'Run this template: one of the catalogue, of the configuration, or a .toml file' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l scanner -d 'Run this scanner, whether it fits or not; may be repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l priority -d 'Dispatch before scans of lower priority' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l parallelism -d 'Run at most so many jobs at once' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l max-duration -d 'Stop the scan after this time, as in 90s or 1h30m' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l max-results -d 'Store at most so many records of one job' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l fail-on -d 'Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than ten); may be repeated' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''
new:critical\t''
new:high\t''
new:medium\t''
new:low\t''
new:info\t''
new:unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l max-targets -d 'Start no more scans than this of registered targets' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l executor -d 'Run the scanners on this kind of engine' -r -f -a "docker\t''
kubernetes\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l format -d 'Print the report as' -r -f -a "csv\t''
cyclonedx\t''
defectdojo\t''
github\t''
github-summary\t''
gitlab-container-scanning\t''
gitlab-dependency-scanning\t''
gitlab-sast\t''
gitlab-secret-detection\t''
html\t''
json\t''
jsonl\t''
junit\t''
markdown\t''
pr\t''
sarif\t''
sonarqube\t''
table\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l report -d 'Write a report to a file too; may be repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l baseline -d 'Say what is new to this file of known findings: SARIF, or a report of ours as JSON' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l request-key -d 'Refuse to start a second scan with this key; of several targets, a second one of each' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l on-interrupt -d 'What the first Ctrl-C or SIGTERM does' -r -f -a "cancel\t''
detach\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l detach -d 'Leave the scan to a driver in the background, and print its id'
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l from -d 'Begin after this event' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l format -d 'Print events as' -r -f -a "text\t'For people'
json\t'One object a line'"
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l no-drive -d 'Only look: leave the scan alone even if nobody drives it'
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l drive-detached
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l no-wait -d 'Ask, and do not wait until it is done'
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l format -d 'Write the report as' -r -f -a "csv\t''
cyclonedx\t''
defectdojo\t''
github\t''
github-summary\t''
gitlab-container-scanning\t''
gitlab-dependency-scanning\t''
gitlab-sast\t''
gitlab-secret-detection\t''
html\t''
json\t''
jsonl\t''
junit\t''
markdown\t''
pr\t''
sarif\t''
sonarqube\t''
table\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l template -d 'Write the report after this Jinja template, filled with what `--format json` has; a file `….html` or `….xml` escapes what it prints' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -s o -l output -d 'Write it to this file' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l fail-on -d 'Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than ten), instead of the thresholds that the scan was started with; with 3 if the scan is incomplete; may be repeated' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''
new:critical\t''
new:high\t''
new:medium\t''
new:low\t''
new:info\t''
new:unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l baseline -d 'Say what is new to this file of known findings: SARIF, or a report of ours as JSON' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l since -d 'Say what is new since a day (UTC), for so long, or since a scan: `2027-01-31`, `7d`, `12h`, `4f2k`' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l diff -d 'Say what differs between two scans, and nothing else; as a table or JSON' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l group-by -d 'Group the findings of a table by this' -r -f -a "severity\t'Severity, worst first'
file\t'File, or what comes next to one: package, host, address'
rule\t'Scanner and rule'"
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l limit -d 'List at most so many findings in a report for people, worst first; 0 lists all' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l gate -d 'Fail as the gate says that the scan was started with'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l new -d 'List only what is new or reopened'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l merge -d 'List what several scanners report of one vulnerability in one package as one finding; gates go on counting each report'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l require-complete -d 'Fail, with exit code 3, if the scan did not see all of its target'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l target -d 'Only scans of this target, or of this target key' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l limit -d 'List at most so many' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l open -d 'Only scans that have not ended'
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l severity -d 'Only findings of this severity or worse' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l scanner -d 'Only findings of this scanner' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l path -d 'Only findings in files whose paths begin so' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l limit -d 'List at most so many; 0 lists all [default: 500 in a table, else all]' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l format -d 'Print them as' -r -f -a "table\t'For people'
json\t'One document'
jsonl\t'One object a line'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l new -d 'Only those that are new or reopened'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "list" -d 'List a scan\'s findings, worst first'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "show" -d 'Look at one finding'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "history" -d 'Tell what scans said of a finding, and what was decided'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "suppress" -d 'Say that findings are not to be told of: gates do not count them, reports mark them'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "accept" -d 'Say that the risk of findings is taken: gates do not count them, reports mark them'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "reopen" -d 'Take back what was decided of findings: they count again'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "reparse" -d 'Read the raw results of ended scans again, after an upgrade: with the parsers of this dragnet'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and not __fish_seen_subcommand_from list show history suppress accept reopen reparse export" -a "export" -d 'Export all findings of all targets, or of one, with how they stand, what was decided, and their history'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l severity -d 'Only findings of this severity or worse' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l scanner -d 'Only findings of this scanner' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l path -d 'Only findings in files whose paths begin so' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l limit -d 'List at most so many; 0 lists all [default: 500 in a table, else all]' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l format -d 'Print them as' -r -f -a "table\t'For people'
json\t'One document'
jsonl\t'One object a line'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l new -d 'Only those that are new or reopened'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l in -d 'Look for it in this scan and its target' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l in -d 'Look for it in this scan and its target' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l in -d 'Look for them in this scan and its target' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l reason -d 'Why; kept with the decision' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l until -d 'Until this day (UTC), or for so long: `2027-01-31`, `30d`' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l false-positive -d 'The scanner is wrong'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from suppress" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l in -d 'Look for them in this scan and its target' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l reason -d 'Why; kept with the decision' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l until -d 'Until this day (UTC), or for so long: `2027-01-31`, `30d`' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l in -d 'Look for them in this scan and its target' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l reason -d 'Why; kept with the decision' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reopen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l format -d 'Print what changed as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l all -d 'All scans that have ended'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from reparse" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l target-of -d 'Only findings of the target of this scan' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l format -d 'Write them as' -r -f -a "jsonl\t'One object a line'
json\t'One document'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -s o -l output -d 'Write them to this file' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand findings; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l scanner -d 'The scanner that made them' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l as -d 'Read the files as this format [default: what they look like]' -r -f -a "bandit\t''
brakeman\t''
burp\t''
cargo-audit\t''
checkov\t''
clair\t''
clamav\t''
cyclonedx\t''
dependency-check\t''
detect-secrets\t''
dnsx\t''
flawfinder\t''
gitlab\t''
gitleaks\t''
gosec\t''
govulncheck\t''
grype\t''
hadolint\t''
httpx\t''
junit\t''
katana\t''
kics\t''
kingfisher\t''
kube-bench\t''
kubeaudit\t''
kubescape\t''
lynis\t''
naabu\t''
nikto\t''
nikto-xml\t''
njsscan\t''
nmap\t''
noseyparker\t''
npm-audit\t''
nuclei\t''
openvas\t''
openvas-csv\t''
osv-scanner\t''
pip-audit\t''
prowler\t''
sarif\t''
semgrep\t''
snyk\t''
spdx\t''
ssh-audit\t''
sslscan\t''
sslyze\t''
sslyze-xml\t''
subfinder\t''
syft\t''
testssl\t''
testssl-csv\t''
tfsec\t''
trivy\t''
trufflehog\t''
trufflehog3\t''
wapiti\t''
wapiti-xml\t''
wpscan\t''
zap\t''
zap-xml\t''
zizmor\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l target -d 'What was scanned: a path, KIND:VALUE, or a registered target: @NAME' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l format -d 'Write the report as' -r -f -a "csv\t''
cyclonedx\t''
defectdojo\t''
github\t''
github-summary\t''
gitlab-container-scanning\t''
gitlab-dependency-scanning\t''
gitlab-sast\t''
gitlab-secret-detection\t''
html\t''
json\t''
jsonl\t''
junit\t''
markdown\t''
pr\t''
sarif\t''
sonarqube\t''
table\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -s o -l output -d 'Write it to this file' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l baseline -d 'Say what is new to this file of known findings: SARIF, or a report of ours as JSON' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l fail-on -d 'Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than ten); may be repeated' -r -f -a "critical\t''
high\t''
medium\t''
low\t''
info\t''
unknown\t''
new:critical\t''
new:high\t''
new:medium\t''
new:low\t''
new:info\t''
new:unknown\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l limit -d 'List at most so many findings in a report for people, worst first; 0 lists all' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l since-seq -d 'Begin with this line' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l attempt -d 'The attempt, from 1 [default: the last]' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l format -d 'Print lines as text, or as one JSON object each' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -s f -l follow -d 'Go on while the scanner runs'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l raw -d 'Print the bytes as they are, escape sequences and all'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l freeze -d 'Freeze what runs, rather than letting it end'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l requeue -d 'Stop what runs, rather than letting it end; its jobs begin anew after `dragnet resume`'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l no-wait -d 'Ask, and do not wait until whoever drives the scan has heard'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -s w -l watch -d 'Follow it until it ends'
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -s w -l watch -d 'Follow it until it ends'
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand retry" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand priority" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "list" -d 'List schedules: when each is due, what became of the last tick'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "next" -d 'Show when schedules are due next'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "history" -d 'Show what has become of ticks, newest first'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "run" -d 'Start a schedule\'s scans now, outside its cadence'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "run-due" -d 'Start the scans that are due'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "pause" -d 'Let a schedule rest: it starts nothing, and what is left out is recorded'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and not __fish_seen_subcommand_from list next history run run-due pause resume" -f -a "resume" -d 'Let a schedule go on from now'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -s n -l number -d 'So many ticks' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from next" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l limit -d 'List at most so many' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l wait -d 'Drive the scans from here, to their end'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l format -d 'Print what has become of ticks as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l wait -d 'Drive the scans from here, to their end'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from run-due" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand schedule; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "add" -d 'Register a target'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "list" -d 'List registered targets, in the order in which they were added'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "show" -d 'Show a registered target and its last scans'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "enable" -d 'Let targets be scanned again'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "disable" -d 'Let targets not be scanned, by schedules or by hand, until they are enabled'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "remove" -d 'Take targets out of the registry; their scans and findings stay'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and not __fish_seen_subcommand_from add list show enable disable remove import" -f -a "import" -d 'Register or change targets from a list, all of them or none'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l name -d 'Call it so rather than by its text' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l tag -d 'What it is chosen by: lower-case letters, digits, `.`, `_`, `:`, `/` and `-`; may be repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -s t -l template -d 'Scan it with this template unless another is asked for' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l note -d 'Something to be known of it' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l organisation -d 'The organisation that it belongs to; made when there is none of that name' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l project -d 'The project that it and its scans belong to; made when there is none of that name' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l disabled -d 'Let it not be scanned yet'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l update -d 'Change the target of this name, if there is one: what is not given stays, and tags that are given take the place of its own'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l tag -d 'Only those that have this tag; all of them, when it is repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l kind -d 'Only those of this kind' -r -f -a "dir\t''
git\t''
image\t''
domain\t''
host\t''
cidr\t''
url\t''
email\t''
archive\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l limit -d 'List at most so many' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'One document, which `targets import` reads'
jsonl\t'One object a line, which `targets import` reads'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l enabled -d 'Only those that are enabled'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l disabled -d 'Only those that are disabled'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l limit -d 'Show at most so many scans, newest first' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l tag -d 'All targets with this tag' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l tag -d 'All targets with this tag' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l tag -d 'All targets with this tag' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l organisation -d 'Only registered targets of this organisation' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l project -d 'Only registered targets of this project' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l format -d 'How the list is written [default: what its name or its beginning says]' -r -f -a "csv\t''
json\t''
jsonl\t''
lines\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l kind -d 'What a target is that says no kind [default: a path]' -r -f -a "dir\t''
git\t''
image\t''
domain\t''
host\t''
cidr\t''
url\t''
email\t''
archive\t''"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l tag -d 'Give all of them this tag, beside their own; may be repeated' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l organisation -d 'The organisation of those that name none' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l project -d 'The project of those that name none' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l summary -d 'Print what came of it as' -r -f -a "text\t'For people, on standard error'
json\t'For programs, on standard output'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l skip-invalid -d 'Leave out what cannot be registered, rather than register nothing'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l dry-run -d 'Say what would come of it, and write nothing'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand targets; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand scanners" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l format -d 'Print it as: a table is, for one template, its TOML' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand templates" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -f -a "show" -d 'Show each value, and where it comes from'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -f -a "schema" -d 'Print the JSON Schema of the configuration, for editors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -f -a "trust" -d 'Trust a project\'s file as it is now: it may then set what runs, with which network and secrets'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and not __fish_seen_subcommand_from show schema trust path" -f -a "path" -d 'Name the files that are read, strongest first'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l defaults -d 'Print the defaults with their explanations, as a file to start from'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from trust" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -f -a "backup" -d 'Copy database, results and logs to a new directory; scans may go on meanwhile'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -f -a "restore" -d 'Bring a backup back, to a state that is new or empty, under an identity of its own'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -f -a "verify" -d 'Check the database for damage'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and not __fish_seen_subcommand_from backup restore verify path" -f -a "path" -d 'Print where the state is'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand state; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l once -d 'Do everything that is due once, drive scans until none is left, and end'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l wait -d 'Wait for the end of another daemon of this state, rather than refuse'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and not __fish_seen_subcommand_from status" -f -a "status" -d 'Tell what the daemon of this state does'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand daemon; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -f -a "list" -d 'List notifications, newest first: what was told, what is to be told, what was given up'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -f -a "resend" -d 'Deliver notifications once more, with the ids that they have'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -f -a "test" -d 'Send a notification that says that it is a test, and tell what the receiver answered'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and not __fish_seen_subcommand_from list resend test run" -f -a "run" -d 'Write down what is to be told, deliver what is due, and end'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l limit -d 'List at most so many' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l format -d 'Print the list as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l dead -d 'Only what was given up'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l pending -d 'Only what is to be delivered'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l dead -d 'All that were given up'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from resend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand notify; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l foreign -d 'List what other states have in the engine; with an instance, remove what is that one\'s' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l keep -d 'Keep snapshots that are younger than this' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l dry-run -d 'Show what would go, and remove nothing'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l expired -d 'Remove scans, too, with all that they found, that `[retention]` keeps no longer'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l no-engine -d 'Leave the engine alone'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand gc" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l probe -d 'Try whether the cluster keeps scanners without a network from it, with two pods that live for less than a minute'
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -s o -l output -d 'Write the image to this file, an OCI layout that `docker load` reads too' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l push -d 'Push the image to a registry; a name without a tag gets the version and the program\'s hash' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l reference -d 'Name the image in the engine and in the file [default: dragnet.local/agent:VERSION-HASH]' -r
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l agent -d 'Put this program into the image, a static dragnet for Linux, rather than this one' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l format -d 'Print it as' -r -f -a "table\t'For people'
json\t'For programs'"
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l load -d 'Give the image to the local engine, also where scans run in a cluster'
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand agent-image" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -l state -d 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -l config -d 'Read this file rather than the user\'s own configuration' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -l policy -d 'Lay this file over all configuration but the flags' -r -F
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -l color -d 'Use colours' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -l trust-project-config -d 'Trust the dragnet.toml of this directory for this one command'
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -s q -l quiet -d 'Say nothing but errors'
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -s v -l verbose -d 'Say more; twice says most'
complete -c dragnet -n "__fish_dragnet_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
