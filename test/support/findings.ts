import assert from 'node:assert/strict';
import {
  type Span,
  type SpanReport,
  type SpanWalkers,
  walkSpan,
} from '../../consumer/checkpoint-span.js';
import {
  type FindingCode,
  type PartitionReport,
  type ProveOptions,
  type Report,
  type Verdict,
  type VerifyOptions,
  verify,
} from '../../consumer/index.js';
import { type Timing, timing } from '../../consumer/options.js';
import type { Stream } from '../../stream/stream.js';
import type { MadeLedger } from './made-ledger.js';

export const MAX_AGE = 15 * 60 * 1000;

/** What verifies `made` with short waits. */
export function verifyOptions(made: MadeLedger, stream: Stream): VerifyOptions {
  return {
    stream,
    ledger: made.ledger,
    topics: [{ topic: made.topic }],
    publicKey: made.key.publicKey,
    maxAge: MAX_AGE,
    confirmMs: 20,
  };
}

/** What proves a record of partition 0 of `made`. */
export function proveOptions(made: MadeLedger, stream: Stream, offset: bigint): ProveOptions {
  const { ledger, topic } = made;
  const { publicKey } = made.key;
  return { stream, ledger, publicKey, topic, partition: 0, offset, confirmMs: 20 };
}

export function checkMade(
  made: MadeLedger,
  stream: Stream,
  options: Partial<VerifyOptions> = {},
): Promise<Report> {
  return verify({ ...verifyOptions(made, stream), ...options });
}

/** In order, and by several walkers in as many spans as the checkpoints allow: the same report. */
export async function checkBothWays(
  made: MadeLedger,
  stream: Stream,
  options: Partial<VerifyOptions> = {},
): Promise<Report> {
  const all = { clock: clockNow(), ...verifyOptions(made, stream), ...options };
  const report = await verify(all);
  const inSpans = await verify({ ...all, walkers: new LocalWalkers(stream, timing(all)) });
  assert.deepEqual(ofTheLog(inSpans), ofTheLog(report), 'by several walkers');
  return report;
}

/** Without what is of the run: how long it took, and the places that it happened to seek. */
function ofTheLog(report: Report): Report {
  return { ...report, seconds: 0, probes: 0 };
}

/** Stands still, so that two reports can agree on how old things are. */
function clockNow(): () => number {
  const now = Date.now();
  return () => now;
}

/** Walks spans in this thread, as plain data, as threads get them. */
export class LocalWalkers implements SpanWalkers {
  readonly count = 4;
  readonly shortest = 1n;
  readonly fewest = 1n;
  readonly #stream: Stream;
  readonly #timing: Timing;
  walked = 0;

  constructor(stream: Stream, options: Timing) {
    this.#stream = stream;
    this.#timing = options;
  }

  async walk(
    span: Span,
    onProgress: (position: bigint) => void,
    signal: AbortSignal,
  ): Promise<SpanReport> {
    this.walked += 1;
    const options = { ...this.#timing, signal };
    return structuredClone(
      await walkSpan(this.#stream, structuredClone(span), options, onProgress),
    );
  }
}

export function partition(report: Report, number: number): PartitionReport {
  const found = report.partitions.find((one) => one.partition === number);
  assert.ok(found, `partition ${number} is in the report`);
  return found;
}

export function codes(report: PartitionReport): FindingCode[] {
  return report.findings.map((found) => found.code).sort();
}

/** The verdict; at least one finding, and none but of these codes. */
export function expectCodes(
  report: PartitionReport,
  verdict: Verdict,
  expected: readonly FindingCode[],
): void {
  const messages = report.findings.map((found) => `${found.code}: ${found.message}`).join('\n');
  assert.equal(report.verdict, verdict, messages);
  assert.notEqual(report.findings.length, 0);
  for (const { code } of report.findings) assert.ok(expected.includes(code), messages);
}

/** Partition 0 is tampered with, and this is the one finding about it. */
export function expectFinding(report: Report, code: FindingCode, from: bigint, to: bigint): void {
  const { findings } = partition(report, 0);
  assert.deepEqual(
    findings.map((found) => [found.code, found.from, found.to]),
    [[code, from, to]],
    findings.map((found) => found.message).join('\n'),
  );
  assert.equal(report.verdict, 'tampered');
}
