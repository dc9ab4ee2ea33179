import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { timing } from '../consumer/options.js';
import type { Probes } from '../consumer/places.js';
import { exitCodeOf, finding } from '../consumer/verdict.js';
import { type Report, report, reportToJson } from '../consumer/verify/report.js';
import { verify } from '../consumer/verify/verify.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import type { Stream } from '../stream/stream.js';
import { duration, wholeNumber } from './arguments.js';
import { type AuditorOptions, type Subject, subjectOf } from './auditor.js';
import { printLine } from './output.js';
import { progress } from './progress.js';
import { loadPublicKey } from './session.js';
import { RememberedLogs } from './verify-memory.js';
import { renderReport } from './verify-report.js';
import { SHORTEST_SPAN, VerifyPool, WORTH_THREADS } from './workers/verify-pool.js';

interface VerifyOptions extends AuditorOptions {
  readonly partition?: number;
  readonly memory?: string;
  readonly onlyNew?: boolean;
  readonly workers?: number;
  readonly probes?: Probes;
  readonly deadline?: number;
}

const MOST_WORKERS = 64;
const MOST_PROBES = 1_000_000;

function probes(text: string): Probes {
  return text === 'all' ? text : wholeNumber('--probes', 0, MOST_PROBES)(text);
}

/** A report that says why nothing could be looked at. */
function uncheckable(
  subject: Subject,
  code: 'wrong-key' | 'unreachable',
  error: SealstreamError,
  partition: number,
): Report {
  return report(
    subject.ledger,
    0,
    subject.topics.map(({ name }) => ({
      origin: null,
      topic: name,
      partition,
      verdict: 'unchecked' as const,
      sealed: null,
      verified: { records: 0n, checkpoints: 0 },
      unsealed: { records: 0n },
      findings: [finding(code, error.message, null, null)],
    })),
  );
}

/** Only what kept us from looking becomes a report; a mistake in the command stays an error. */
async function orReport<T>(
  code: 'wrong-key' | 'unreachable',
  applies: (error: SealstreamError) => boolean,
  subject: Subject,
  partition: number,
  work: () => Promise<T>,
): Promise<T | { readonly failure: Report }> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SealstreamError) || !applies(error)) throw error;
    return { failure: uncheckable(subject, code, error, partition) };
  }
}

/** `asked`: how many threads, by the command line; else they start only where they surely help. */
async function verifyPool(
  asked: number | undefined,
  subject: Subject,
  stream: Stream,
): Promise<VerifyPool | null> {
  const count = asked ?? availableParallelism();
  if (count === 1) return null;
  const patience = timing({ stream, timeoutMs: subject.timeoutMs });
  const data = { place: await subject.place(), timing: patience };
  return new VerifyPool(count, data, asked === undefined ? WORTH_THREADS : SHORTEST_SPAN);
}

async function runVerify(
  subject: Subject,
  key: PublicKey,
  options: VerifyOptions,
): Promise<Report> {
  const opened = await orReport(
    'unreachable',
    (error) => error.class === 'retry' || error.code === 'unauthorized',
    subject,
    options.partition ?? 0,
    subject.open,
  );
  if ('failure' in opened) return opened.failure;
  const bar = progress('verifying', 'offsets', true);
  let remembered: RememberedLogs | null = null;
  const pool = await verifyPool(options.workers, subject, opened);
  const done = new Map<string, { position: bigint; until: bigint }>();
  // A question about one topic or partition is answered for that alone.
  const isWhole = options.topic === undefined && options.partition === undefined;
  const configuration = isWhole ? subject.configuration : null;
  try {
    if (options.memory !== undefined) {
      remembered = await RememberedLogs.open(options.memory, subject);
    }
    const found = await verify({
      stream: opened,
      ledger: subject.ledger,
      publicKey: key,
      topics: subject.topics.map(({ name, partitions }) => ({
        topic: name,
        ...(partitions === null ? {} : { partitions }),
      })),
      maxAge: subject.maxAge,
      ...(configuration === null ? {} : { configuration }),
      ...(options.partition === undefined ? {} : { partition: options.partition }),
      timeoutMs: subject.timeoutMs,
      ...(options.deadline === undefined ? {} : { deadlineMs: options.deadline }),
      ...(remembered === null ? {} : { memory: remembered.memory }),
      ...(pool === null ? {} : { walkers: pool }),
      ...(options.onlyNew === true ? { onlyNew: true } : {}),
      ...(options.probes === undefined ? {} : { probes: options.probes }),
      onProgress({ topic, partition, position, until }) {
        done.set(`${topic}/${partition}`, { position, until });
        const parts = [...done.values()];
        const sum = (pick: (part: { position: bigint; until: bigint }) => bigint) =>
          parts.reduce((total, part) => total + pick(part), 0n);
        bar.update(
          sum((part) => part.position),
          sum((part) => part.until),
        );
      },
    });
    bar.stop();
    remembered?.tellUnheld(found);
    return found;
  } finally {
    bar.stop();
    await pool?.close();
    await remembered?.memory.close();
    await opened.close();
  }
}

async function verifyCommand(options: VerifyOptions): Promise<number> {
  if (options.onlyNew === true && options.memory === undefined) {
    throw new SealstreamError('usage', '--only-new goes with --memory: what was accepted before');
  }
  const subject = await subjectOf(options);
  if (options.onlyNew === true && resolve(options.memory ?? '') === subject.sealerMemory) {
    throw new SealstreamError(
      'usage',
      "--only-new: the sealer's own memory says what was signed, and nobody has verified that; " +
        'give --memory a folder of the verifier',
    );
  }
  const key = await orReport(
    'wrong-key',
    (error) => error.code === 'key-unusable',
    subject,
    options.partition ?? 0,
    () => loadPublicKey(subject.publicKeyFile, subject.publicKeyField),
  );
  const result = 'failure' in key ? key.failure : await runVerify(subject, key, options);
  await printLine(
    options.json === true
      ? reportToJson(result)
      : renderReport(result, options.memory !== undefined, options.onlyNew === true),
  );
  return exitCodeOf(result.verdict);
}

export function registerVerify(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('verify')
    .description(
      'recompute every sealed record: exit 0 intact, 1 tampered, 2 incomplete, 3 could not check',
    )
    .option('--config <file>', 'the configuration; not needed with --stream', './ledger.yaml')
    .option('--stream <url>', 'instead of a configuration: file:PATH or kafka://HOST:PORT')
    .option('--ledger <name>', 'with --stream: the ledger that must have signed')
    .option('--topic <topic>', 'this audit topic only')
    .option('--partition <n>', 'this partition only', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--public-key <file>', "the ledger's public key (PEM)")
    .option('--memory <path>', 'remember what was accepted, and hold the log against it')
    .option(
      '--timeout <duration>',
      'give up on a silent stream after (default: kafka.timeout, or 30s)',
      duration('--timeout'),
    )
    .option(
      '--deadline <duration>',
      'stop after this, however far it came: could not check (default: none)',
      duration('--deadline'),
    )
    .option('--only-new', 'with --memory: read only what is later than what it accepted')
    .option(
      '--workers <n>',
      'threads to hash with (default: one for each processor where there is much to read)',
      wholeNumber('--workers', 1, MOST_WORKERS),
    )
    .option(
      '--probes <n>',
      'batches of each partition that are sought at random once it is read, or all (default: 256)',
      probes,
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  sealstream verify --memory ./verified\n' +
        '  sealstream verify --stream kafka://127.0.0.1:9092 --ledger audit.example.com/payments \\\n' +
        '    --topic audit --public-key sealer.pub.pem',
    )
    .action((options: VerifyOptions) => run(verifyCommand(options)));
}
