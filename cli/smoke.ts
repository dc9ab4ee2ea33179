import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { exitCodeOf, type Verdict, worstVerdict } from '../consumer/verdict.js';
import type { Configuration } from '../policy/file/configuration.js';
import { loadDeclared } from '../policy/file/parse.js';
import { duration } from './arguments.js';
import { EXIT, isUnchecked } from './exit.js';
import { logger } from './logger.js';
import { printable, printLine, tell, toJson } from './output.js';
import { openPlace } from './place.js';
import { type CommonOptions, configuredPlace, selectTopics, verifyingKey } from './session.js';
import { type SmokeOptions, type SmokeReport, type Step, smokeTopic } from './smoke-topic.js';

interface SmokeCommandOptions extends CommonOptions {
  readonly topic?: string;
  readonly timeout?: number;
}

const DEFAULT_EVERY_MS = 10_000;
const SLACK_MS = 30_000;
/** Topics at once. */
const CONCURRENCY = 4;

const STEPS: readonly [Step, string][] = [
  ['connected', 'connected'],
  ['published', 'published'],
  ['sealed', 'sealed'],
  ['verified', 'verified'],
  ['readBack', 'read back'],
];

const MEANINGS: Record<Verdict, string> = {
  intact: 'PASSED: what is published is sealed, proven and read back',
  tampered: 'TAMPERED: what came back is not what was published and sealed',
  incomplete: 'INCOMPLETE: something is missing, or was not sealed in time',
  unchecked: 'COULD NOT CHECK: this is no statement about the log',
};

function defaultWait({ seal }: Configuration): number {
  return 2 * (seal?.every ?? DEFAULT_EVERY_MS) + SLACK_MS;
}

/** In the order of `topics`. */
async function smokeTopics(
  options: SmokeOptions,
  topics: readonly string[],
): Promise<SmokeReport[]> {
  const reports: SmokeReport[] = [];
  const entries = topics.entries();
  const work = async (): Promise<void> => {
    for (const [index, topic] of entries) {
      // The first ones began when the stream was opened.
      const started = index < CONCURRENCY ? options.started : performance.now();
      reports[index] = await smokeTopic({ ...options, started }, topic);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, topics.length) }, work));
  return reports;
}

function detail(step: Step, { published, checkpoint }: SmokeReport): string {
  if (step === 'published' && published !== null) {
    const { event_id, partition, offset } = published;
    return `  event ${event_id}, partition ${partition}, offset ${offset}`;
  }
  if (step !== 'verified' || checkpoint === null) return '';
  const { size, time } = checkpoint;
  return `  under the checkpoint of size ${size}, ${new Date(time).toISOString()}`;
}

async function show(reports: readonly SmokeReport[], verdict: Verdict): Promise<void> {
  for (const report of reports) {
    await printLine(report.topic);
    for (const [step, name] of STEPS) {
      const taken = report.seconds[step];
      const time = taken === undefined ? 'not done' : `${taken.toFixed(3)} s`;
      await printLine(`  ${name.padEnd(10)} ${time.padStart(10)}${detail(step, report)}`);
    }
    for (const { code, message } of report.findings) {
      await printLine(`  ${code}: ${printable(message)}`);
    }
  }
  await printLine(MEANINGS[verdict]);
}

function plain({ topic, verdict, published, checkpoint, seconds, findings }: SmokeReport) {
  return {
    topic,
    verdict,
    event: published?.event_id ?? null,
    partition: published?.partition ?? null,
    offset: published?.offset ?? null,
    checkpoint: checkpoint && {
      origin: checkpoint.origin,
      size: checkpoint.size,
      next: checkpoint.next,
      time: new Date(checkpoint.time).toISOString(),
    },
    seconds: Object.fromEntries(STEPS.map(([step]) => [step, seconds[step] ?? null])),
    findings,
  };
}

async function smoke(options: SmokeCommandOptions): Promise<number> {
  const declared = await loadDeclared(options.config);
  const { configuration } = declared;
  const topics = selectTopics(configuration, options.topic).map(({ name }) => name);
  try {
    const publicKey = await verifyingKey(configuration, options.config);
    const place = await configuredPlace(declared, undefined);
    const started = performance.now();
    const stream = await openPlace(place, logger('warn'));
    try {
      const { ledger } = configuration;
      const id = randomUUID();
      const waitMs = options.timeout ?? defaultWait(configuration);
      const { timeoutMs } = place.options;
      const patience = timeoutMs === undefined ? {} : { timeoutMs };
      const given = { stream, ledger, publicKey, id, waitMs, started, ...patience };
      const reports = await smokeTopics(given, topics);
      const verdict = worstVerdict(reports.map((report) => report.verdict));
      if (options.json !== true) await show(reports, verdict);
      else await printLine(toJson({ verdict, ledger, id, topics: reports.map(plain) }));
      return exitCodeOf(verdict);
    } finally {
      await stream.close();
    }
  } catch (error) {
    if (!isUnchecked(error)) throw error;
    tell(`sealstream: could not check: ${error.message}`);
    return EXIT.unchecked;
  }
}

const HELP = `
A sealer must be running; the principal needs the rights of a publisher and of a verifier, and no
signing key. It leaves one event a topic in the ledger for good: action sealstream.smoke, category
SYSTEM, attribute smoke.id.

It proves that this event was acknowledged, is under a checkpoint that the ledger's key signed, that
the log leads to it from the checkpoint before, and that replay gives the event back as it was sent.
It proves nothing about earlier records, or about other partitions: verify does.

Exit 0: all done; 1: tampered; 2: not sealed in time, or a topic is missing; 3: could not check.

Examples:
  sealstream smoke
  sealstream smoke --topic audit --timeout 2m --json`;

export function registerSmoke(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('smoke')
    .description('publish a marked event, wait until it is sealed, verify it, read it back')
    .option('--config <file>', 'the configuration', './ledger.yaml')
    .option('--topic <topic>', 'this audit topic only; else one event to each')
    .option(
      '--timeout <duration>',
      'wait for the seal so long (default: 2 × seal.every + 30s)',
      duration('--timeout'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action((options: SmokeCommandOptions) => run(smoke(options)));
}
