import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { NotVerified } from '../consumer/not-verified.js';
import { prove } from '../consumer/prove/prove.js';
import { exitCodeOf } from '../consumer/verdict.js';
import { SealstreamError } from '../ledger/error.js';
import { duration, offset, wholeNumber } from './arguments.js';
import { type AuditorOptions, subjectOf } from './auditor.js';
import { EXIT } from './exit.js';
import { printLine, tell, toJson } from './output.js';
import { loadPublicKey } from './session.js';

interface ProveOptions extends AuditorOptions {
  readonly partition: number;
  readonly offset: bigint;
  readonly out: string;
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SealstreamError('usage', `--out: ${path} cannot be written: ${reason}`, {
      cause: error,
    });
  }
}

async function proveCommand(options: ProveOptions): Promise<number> {
  const subject = await subjectOf(options);
  const [topic, second] = subject.topics;
  if (topic === undefined || second !== undefined) {
    throw new SealstreamError('usage', 'several topics are declared: name one by --topic');
  }
  const publicKey = await loadPublicKey(subject.publicKeyFile, subject.publicKeyField);
  const stream = await subject.open();
  try {
    const { receipt, record } = await prove({
      stream,
      ledger: subject.ledger,
      publicKey,
      topic: topic.name,
      partition: options.partition,
      offset: options.offset,
      timeoutMs: subject.timeoutMs,
    });
    const name = join(options.out, `${topic.name}-${options.partition}-${options.offset}`);
    const files = { proof: `${name}.tlog-proof`, record: `${name}.record` };
    await write(files.proof, receipt);
    await write(files.record, record);
    const text =
      `${files.proof}  the receipt\n${files.record}  the record's bytes\n` +
      `Check offline: sealstream check ${files.proof} --record ${files.record} ` +
      `--public-key ${subject.publicKeyFile}`;
    await printLine(options.json === true ? toJson(files) : text);
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof NotVerified)) throw error;
    for (const { code, message } of error.findings) tell(`sealstream: ${code}: ${message}`);
    return exitCodeOf(error.verdict);
  } finally {
    await stream.close();
  }
}

export function registerProve(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('prove')
    .description("write a receipt and the record's bytes, for check")
    .requiredOption('--partition <n>', 'partition', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .requiredOption('--offset <offset>', 'offset of a sealed record', offset('--offset'))
    .option('--topic <topic>', 'the audit topic, where several are declared')
    .option('--out <dir>', 'where to write them', '.')
    .option('--config <file>', 'the configuration; not needed with --stream', './ledger.yaml')
    .option('--stream <url>', 'instead of a configuration: file:PATH or kafka://HOST:PORT')
    .option('--ledger <name>', 'with --stream: the ledger that must have signed')
    .option('--public-key <file>', "the ledger's public key (PEM)")
    .option(
      '--timeout <duration>',
      'give up on a silent stream after (default: kafka.timeout, or 30s)',
      duration('--timeout'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  sealstream prove --partition 0 --offset 17 --out receipts')
    .action((options: ProveOptions) => run(proveCommand(options)));
}
