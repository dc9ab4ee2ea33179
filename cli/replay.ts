import type { Command } from 'commander';
import { NotVerified } from '../consumer/not-verified.js';
import { type Replayed, replay } from '../consumer/replay/replay.js';
import { exitCodeOf } from '../consumer/verdict.js';
import type { PublicKey } from '../ledger/keys.js';
import { toJson as eventToJson } from '../schemas/json.js';
import { duration, offset, wholeNumber } from './arguments.js';
import { type AuditorOptions, type Subject, subjectOf } from './auditor.js';
import { EXIT, isUnchecked } from './exit.js';
import { print, tell } from './output.js';
import { loadPublicKey } from './session.js';

interface ReplayOptions extends AuditorOptions {
  readonly partition?: number;
  readonly from?: bigint;
  readonly unsealed?: boolean;
}

const WRITE_AT_ONCE = 64 * 1024;

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null
    ? null
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** One NDJSON line; `sealed: false` marks what nothing vouches for yet. */
function lineOf(record: Replayed): string {
  const place = {
    topic: record.topic,
    partition: record.partition,
    offset: String(record.offset),
    timestamp: String(record.timestamp),
    ...(record.sealed ? {} : { sealed: false }),
  };
  const content =
    record.event === null
      ? {
          key: base64(record.key),
          value: base64(record.value),
          headers: record.headers.map(({ key, value }) => [base64(key), base64(value)]),
        }
      : { event: eventToJson(record.event) };
  return `${JSON.stringify({ ...place, ...content })}\n`;
}

async function deliver(subject: Subject, publicKey: PublicKey, options: ReplayOptions) {
  const stream = await subject.open();
  try {
    const records = replay({
      stream,
      ledger: subject.ledger,
      publicKey,
      topics: subject.topics.map(({ name, partitions }) => ({
        topic: name,
        ...(partitions === null ? {} : { partitions }),
      })),
      maxAge: subject.maxAge,
      ...(options.partition === undefined ? {} : { partition: options.partition }),
      ...(options.from === undefined ? {} : { from: options.from }),
      timeoutMs: subject.timeoutMs,
      unsealed: options.unsealed === true,
    });
    let pending = '';
    try {
      for await (const record of records) {
        pending += lineOf(record);
        if (pending.length < WRITE_AT_ONCE) continue;
        await print(pending);
        pending = '';
      }
    } finally {
      // What was vouched for is delivered also where the next record stops the replay.
      await print(pending);
    }
  } finally {
    await stream.close();
  }
}

async function replayCommand(options: ReplayOptions): Promise<number> {
  const subject = await subjectOf(options);
  try {
    const key = await loadPublicKey(subject.publicKeyFile, subject.publicKeyField);
    await deliver(subject, key, options);
    return EXIT.done;
  } catch (error) {
    if (error instanceof NotVerified) {
      for (const { code, message } of error.findings) tell(`sealstream: ${code}: ${message}`);
      return exitCodeOf(error.verdict);
    }
    if (!isUnchecked(error)) throw error;
    tell(`sealstream: could not check: ${error.message}`);
    return EXIT.unchecked;
  }
}

export function registerReplay(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('replay')
    .description("print what is proven, as NDJSON; ends with verify's exit codes")
    .option('--config <file>', 'the configuration; not needed with --stream', './ledger.yaml')
    .option('--stream <url>', 'instead of a configuration: file:PATH or kafka://HOST:PORT')
    .option('--ledger <name>', 'with --stream: the ledger that must have signed')
    .option('--topic <topic>', 'this audit topic only')
    .option('--partition <n>', 'this partition only', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--from <offset>', 'first offset of every partition', offset('--from'))
    .option('--unsealed', 'also what is not sealed yet, marked "sealed": false')
    .option('--public-key <file>', "the ledger's public key (PEM)")
    .option(
      '--timeout <duration>',
      'give up on a silent stream after (default: kafka.timeout, or 30s)',
      duration('--timeout'),
    )
    .option('--json', 'accepted: the output is NDJSON always')
    .addHelpText(
      'after',
      '\nIt stops before the first record that it cannot vouch for.\n\nExamples:\n' +
        '  sealstream replay --partition 0 --from 1000\n' +
        '  sealstream replay | jq -r \'select(.event.outcome.status == "DENIED") | .event.actor.id\'',
    )
    .action((options: ReplayOptions) => run(replayCommand(options)));
}
