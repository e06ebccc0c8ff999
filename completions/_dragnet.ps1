
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'dragnet' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'dragnet'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'dragnet' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('plan', 'plan', [CompletionResultType]::ParameterValue, 'Show what a scan would run, and why, without running it')
            [CompletionResult]::new('start', 'start', [CompletionResultType]::ParameterValue, 'Scan a target and report what was found')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Follow a scan until it ends; drive it when nobody else does')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel scans, and keep what they found')
            [CompletionResult]::new('report', 'report', [CompletionResultType]::ParameterValue, 'Report what a scan found, and what it did not see')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List scans, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show how a scan or one of its jobs stands')
            [CompletionResult]::new('findings', 'findings', [CompletionResultType]::ParameterValue, 'List a scan''s findings, worst first')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Make a scan of results that were made elsewhere, and report it')
            [CompletionResult]::new('logs', 'logs', [CompletionResultType]::ParameterValue, 'Print what a job''s scanner said')
            [CompletionResult]::new('pause', 'pause', [CompletionResultType]::ParameterValue, 'Pause scans: start no more jobs, let those that run end')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Go on with a scan that is paused, or that nobody drives any more')
            [CompletionResult]::new('scanners', 'scanners', [CompletionResultType]::ParameterValue, 'List the scanners of the catalogue, or show one')
            [CompletionResult]::new('templates', 'templates', [CompletionResultType]::ParameterValue, 'List the templates, or show one')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Show the configuration, and trust that of a project')
            [CompletionResult]::new('state', 'state', [CompletionResultType]::ParameterValue, 'Back up, restore and check the state')
            [CompletionResult]::new('gc', 'gc', [CompletionResultType]::ParameterValue, 'Remove what no scan needs: leftovers in the engine, old snapshots, drafts of killed processes')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Look whether everything that a scan needs is there')
            [CompletionResult]::new('agent-image', 'agent-image', [CompletionResultType]::ParameterValue, 'Build the image with which dragnet runs inside containers, from this very program')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a script that completes words in a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page')
            break
        }
        'dragnet;plan' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Run this template: one of the catalogue, of the configuration, or a .toml file')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Run this template: one of the catalogue, of the configuration, or a .toml file')
            [CompletionResult]::new('--scanner', '--scanner', [CompletionResultType]::ParameterName, 'Run this scanner, whether it fits or not; may be repeated')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'Dispatch before scans of lower priority')
            [CompletionResult]::new('--parallelism', '--parallelism', [CompletionResultType]::ParameterName, 'Run at most so many jobs at once')
            [CompletionResult]::new('--max-duration', '--max-duration', [CompletionResultType]::ParameterName, 'Stop the scan after this time, as in 90s or 1h30m')
            [CompletionResult]::new('--max-results', '--max-results', [CompletionResultType]::ParameterName, 'Store at most so many records of one job')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail, with exit code 1, on findings of this severity or worse')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the plan to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the plan to this file')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the plan as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--no-engine', '--no-engine', [CompletionResultType]::ParameterName, 'Do not look for the images: the plan then names them by their tags')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;start' {
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Run this template: one of the catalogue, of the configuration, or a .toml file')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Run this template: one of the catalogue, of the configuration, or a .toml file')
            [CompletionResult]::new('--scanner', '--scanner', [CompletionResultType]::ParameterName, 'Run this scanner, whether it fits or not; may be repeated')
            [CompletionResult]::new('--priority', '--priority', [CompletionResultType]::ParameterName, 'Dispatch before scans of lower priority')
            [CompletionResult]::new('--parallelism', '--parallelism', [CompletionResultType]::ParameterName, 'Run at most so many jobs at once')
            [CompletionResult]::new('--max-duration', '--max-duration', [CompletionResultType]::ParameterName, 'Stop the scan after this time, as in 90s or 1h30m')
            [CompletionResult]::new('--max-results', '--max-results', [CompletionResultType]::ParameterName, 'Store at most so many records of one job')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail, with exit code 1, on findings of this severity or worse')
            [CompletionResult]::new('--executor', '--executor', [CompletionResultType]::ParameterName, 'Run the scanners on this kind of engine')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the report as')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write a report to a file too; may be repeated')
            [CompletionResult]::new('--request-key', '--request-key', [CompletionResultType]::ParameterName, 'Refuse to start a second scan with this key')
            [CompletionResult]::new('--on-interrupt', '--on-interrupt', [CompletionResultType]::ParameterName, 'What the first Ctrl-C or SIGTERM does')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--detach', '--detach', [CompletionResultType]::ParameterName, 'Leave the scan to a driver in the background, and print its id')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;watch' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Begin after this event')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print events as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--no-drive', '--no-drive', [CompletionResultType]::ParameterName, 'Only look: leave the scan alone even if nobody drives it')
            [CompletionResult]::new('--drive-detached', '--drive-detached', [CompletionResultType]::ParameterName, 'drive-detached')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;cancel' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Ask, and do not wait until it is done')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;report' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Write the report as')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write it to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write it to this file')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail, with exit code 1, on findings of this severity or worse; with 3 if the scan is incomplete')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most so many findings in a table; 0 lists all')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--require-complete', '--require-complete', [CompletionResultType]::ParameterName, 'Fail, with exit code 3, if the scan did not see all of its target')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;list' {
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'Only scans of this target, or of this target key')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most so many')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print the list as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--open', '--open', [CompletionResultType]::ParameterName, 'Only scans that have not ended')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;show' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;findings' {
            [CompletionResult]::new('--severity', '--severity', [CompletionResultType]::ParameterName, 'Only findings of this severity or worse')
            [CompletionResult]::new('--scanner', '--scanner', [CompletionResultType]::ParameterName, 'Only findings of this scanner')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Only findings in files whose paths begin so')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most so many; 0 lists all [default: 500 in a table, else all]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print them as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;import' {
            [CompletionResult]::new('--scanner', '--scanner', [CompletionResultType]::ParameterName, 'The scanner that made them')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'Read the files as this format [default: what they look like]')
            [CompletionResult]::new('--target', '--target', [CompletionResultType]::ParameterName, 'What was scanned')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Write the report as')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write it to this file')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write it to this file')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Fail, with exit code 1, on findings of this severity or worse')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'List at most so many findings in a table; 0 lists all')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;logs' {
            [CompletionResult]::new('--since-seq', '--since-seq', [CompletionResultType]::ParameterName, 'Begin with this line')
            [CompletionResult]::new('--attempt', '--attempt', [CompletionResultType]::ParameterName, 'The attempt, from 1 [default: the last]')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print lines as text, or as one JSON object each')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Go on while the scanner runs')
            [CompletionResult]::new('--follow', '--follow', [CompletionResultType]::ParameterName, 'Go on while the scanner runs')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print the bytes as they are, escape sequences and all')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;pause' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--freeze', '--freeze', [CompletionResultType]::ParameterName, 'Freeze what runs, rather than letting it end')
            [CompletionResult]::new('--requeue', '--requeue', [CompletionResultType]::ParameterName, 'Stop what runs, rather than letting it end; its jobs begin anew after `dragnet resume`')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Ask, and do not wait until whoever drives the scan has heard')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;resume' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Follow it until it ends')
            [CompletionResult]::new('--watch', '--watch', [CompletionResultType]::ParameterName, 'Follow it until it ends')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;scanners' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;templates' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as: a table is, for one template, its TOML')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;config' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show each value, and where it comes from')
            [CompletionResult]::new('schema', 'schema', [CompletionResultType]::ParameterValue, 'Print the JSON Schema of the configuration, for editors')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Trust a project''s file as it is now: it may then set what runs, with which network and secrets')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Name the files that are read, strongest first')
            break
        }
        'dragnet;config;show' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--defaults', '--defaults', [CompletionResultType]::ParameterName, 'Print the defaults with their explanations, as a file to start from')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;config;schema' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;config;trust' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;config;path' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;state' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('backup', 'backup', [CompletionResultType]::ParameterValue, 'Copy database, results and logs to a new directory; scans may go on meanwhile')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Bring a backup back, to a state that is new or empty, under an identity of its own')
            [CompletionResult]::new('verify', 'verify', [CompletionResultType]::ParameterValue, 'Check the database for damage')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print where the state is')
            break
        }
        'dragnet;state;backup' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;state;restore' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;state;verify' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;state;path' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;gc' {
            [CompletionResult]::new('--foreign', '--foreign', [CompletionResultType]::ParameterName, 'List what other states have in the engine; with an instance, remove what is that one''s')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep snapshots that are younger than this')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show what would go, and remove nothing')
            [CompletionResult]::new('--no-engine', '--no-engine', [CompletionResultType]::ParameterName, 'Leave the engine alone')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;doctor' {
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Try whether the cluster keeps scanners without a network from it, with two pods that live for less than a minute')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;agent-image' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the image to this file, an OCI layout that `docker load` reads too')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the image to this file, an OCI layout that `docker load` reads too')
            [CompletionResult]::new('--push', '--push', [CompletionResultType]::ParameterName, 'Push the image to a registry; a name without a tag gets the version and the program''s hash')
            [CompletionResult]::new('--reference', '--reference', [CompletionResultType]::ParameterName, 'Name the image in the engine and in the file [default: dragnet.local/agent:VERSION-HASH]')
            [CompletionResult]::new('--agent', '--agent', [CompletionResultType]::ParameterName, 'Put this program into the image, a static dragnet for Linux, rather than this one')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Print it as')
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--load', '--load', [CompletionResultType]::ParameterName, 'Give the image to the local engine, also where scans run in a cluster')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;completions' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'dragnet;man' {
            [CompletionResult]::new('--state', '--state', [CompletionResultType]::ParameterName, 'Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read this file rather than the user''s own configuration')
            [CompletionResult]::new('--policy', '--policy', [CompletionResultType]::ParameterName, 'Lay this file over all configuration but the flags')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'Use colours')
            [CompletionResult]::new('--trust-project-config', '--trust-project-config', [CompletionResultType]::ParameterName, 'Trust the dragnet.toml of this directory for this one command')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say more; twice says most')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
