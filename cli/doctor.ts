import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { dayOf } from '../policy/difference.js';
import { diagnose } from '../policy/doctor/diagnose.js';
import type { ClusterView } from '../policy/doctor/examined.js';
import type { Diagnosis } from '../policy/doctor/finding.js';
import { observe } from '../policy/observed.js';
import { lookAtHost } from './doctor-host.js';
import { diagnosisJson, diagnosisLines } from './doctor-report.js';
import { EXIT, exitCodeOf } from './exit.js';
import { type LedgerSession, withLedger } from './ledger-session.js';
import { printLine, tell, toJson } from './output.js';
import type { CommonOptions } from './session.js';

/** An error: the cluster could not be asked. What is wrong with the file is thrown. */
async function lookAtCluster(session: LedgerSession): Promise<ClusterView | SealstreamError> {
  const { declared, stream, administration } = session;
  try {
    return { observed: await observe(administration, stream, declared.configuration) };
  } catch (error) {
    if (error instanceof SealstreamError && exitCodeOf(error) !== EXIT.usage) return error;
    throw error;
  }
}

function exitOf({ outcomes, findings }: Diagnosis): number {
  if (findings.some(({ severity }) => severity !== 'note')) return EXIT.tampered;
  return outcomes.every(({ ran }) => ran) ? EXIT.done : EXIT.unchecked;
}

async function doctor(options: CommonOptions): Promise<number> {
  return withLedger(options, async (session) => {
    const { declared, stream } = session;
    const { configuration, hash } = declared;
    const host = await lookAtHost(configuration);
    const cluster = await lookAtCluster(session);
    const now = Date.now();
    const examined = { declared, today: dayOf(new Date(now)), now, host, cluster };
    const diagnosis = diagnose(examined, declared.places);
    if (cluster instanceof SealstreamError) {
      tell(`sealstream: the cluster could not be checked: ${cluster.message}`);
    }
    if (options.json === true) {
      const about = { stream: stream.url, ledger: configuration.ledger, hash };
      await printLine(toJson(diagnosisJson(diagnosis, about)));
    } else {
      for (const line of diagnosisLines(diagnosis)) await printLine(line);
    }
    return exitOf(diagnosis);
  });
}

export function registerDoctor(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('doctor')
    .description('check the live cluster against ledger.yaml and what immutability needs')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nEvery code, why it matters and what to do: docs/doctor.md. Nothing is changed.\n' +
        'Exit 0: nothing found, or notes only; 1: errors or warnings; 3: something could not be ' +
        'checked, and nothing else was found.\n\nExample:\n  sealstream doctor --json',
    )
    .action((options: CommonOptions) => run(doctor(options)));
}
