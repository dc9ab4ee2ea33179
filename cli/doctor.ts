import { writeFile } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { diagnose } from '../policy/doctor/diagnose.js';
import type { Examined } from '../policy/doctor/examined.js';
import type { Diagnosis } from '../policy/doctor/finding.js';
import { sarifLog } from '../policy/doctor/sarif.js';
import type { Configuration } from '../policy/file/configuration.js';
import { dayOf } from '../policy/file/waiver.js';
import { lookAtCluster } from './doctor-cluster.js';
import { lookAtHost } from './doctor-host.js';
import { diagnosisJson, diagnosisLines } from './doctor-report.js';
import { EXIT } from './exit.js';
import { anyKey } from './key-mode.js';
import { type LedgerSession, withLedger } from './ledger-session.js';
import { openExisting } from './memory.js';
import { print, printable, printLine, tell, toJson } from './output.js';
import { type CommonOptions, verifyingKey } from './session.js';
import { programVersion } from './version.js';

interface DoctorOptions extends CommonOptions {
  readonly sarif?: string;
}

/** What a file that leaves `kafka.timeout` out gets, as everywhere. */
const DEFAULT_TIMEOUT_MS = 30_000;

async function keyOrError(
  configuration: Configuration,
  file: string,
): Promise<PublicKey | SealstreamError> {
  try {
    return await verifyingKey(configuration, file, anyKey);
  } catch (error) {
    if (error instanceof SealstreamError) return error;
    throw error;
  }
}

async function lookEverywhere(session: LedgerSession, options: DoctorOptions): Promise<Examined> {
  const { declared } = session;
  const { configuration } = declared;
  const host = await lookAtHost(configuration);
  const publicKey = await keyOrError(configuration, options.config);
  const path = configuration.seal?.memory;
  const memory = path === undefined ? null : await openExisting(path);
  try {
    const timeoutMs = configuration.kafka?.timeout ?? DEFAULT_TIMEOUT_MS;
    const cluster = await lookAtCluster({ session, publicKey, memory, timeoutMs });
    const now = Date.now();
    return { declared, today: dayOf(new Date(now)), now, host, cluster };
  } finally {
    await memory?.close();
  }
}

function exitOf({ outcomes, findings }: Diagnosis): number {
  if (findings.some(({ severity }) => severity !== 'note')) return EXIT.tampered;
  return outcomes.every(({ ran }) => ran) ? EXIT.done : EXIT.unchecked;
}

async function doctor(options: DoctorOptions): Promise<number> {
  if (options.sarif === '-' && options.json === true) {
    throw new SealstreamError('usage', '--sarif - and --json: both write to stdout; choose one');
  }
  return withLedger(options, async (session) => {
    const { declared, stream } = session;
    const { configuration, hash } = declared;
    const examined = await lookEverywhere(session, options);
    const diagnosis = diagnose(examined, declared.places);
    if (examined.cluster instanceof SealstreamError) {
      tell(`sealstream: the cluster could not be checked: ${examined.cluster.message}`);
    }
    if (options.sarif !== undefined) await writeSarif(options.sarif, sarifText(diagnosis, options));
    if (options.json === true) {
      const about = { stream: stream.url, ledger: configuration.ledger, hash };
      await printLine(toJson(diagnosisJson(diagnosis, about)));
    } else if (options.sarif !== '-') {
      for (const line of diagnosisLines(diagnosis)) await printLine(line);
    }
    return exitOf(diagnosis);
  });
}

function sarifText(diagnosis: Diagnosis, { config }: DoctorOptions): string {
  const file = relative(process.cwd(), resolve(config)).split(sep).join('/');
  const log = sarifLog(diagnosis, { file, version: programVersion() });
  return printable(`${JSON.stringify(log, null, 2)}\n`);
}

async function writeSarif(target: string, text: string): Promise<void> {
  if (target === '-') return print(text);
  try {
    await writeFile(target, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('usage', `--sarif ${target}: cannot be written: ${reason}`, {
      cause: error,
    });
  }
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
    .option('--sarif <file>', 'also write SARIF 2.1.0 for code scanning; - for stdout')
    .addHelpText(
      'after',
      '\nEvery code, why it matters and what to do: docs/doctor.md. Nothing is changed.\n' +
        'Exit 0: nothing found, or notes only; 1: errors or warnings; 3: something could not be ' +
        'checked, and nothing else was found.\n\nExample:\n  sealstream doctor --sarif doctor.sarif',
    )
    .action((options: DoctorOptions) => run(doctor(options)));
}
