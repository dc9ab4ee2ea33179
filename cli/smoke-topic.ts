/** What `smoke` does on one topic, step by step, each timed. */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { findingOf } from '../consumer/failure.js';
import { NotVerified } from '../consumer/not-verified.js';
import { type ConsumerOptions, timing } from '../consumer/options.js';
import { awaitSealed } from '../consumer/prove/await-sealed.js';
import { type Proof, prove } from '../consumer/prove/prove.js';
import { replay } from '../consumer/replay/replay.js';
import { type Finding, finding, type Verdict, verdictOfFindings } from '../consumer/verdict.js';
import type { Checkpoint } from '../ledger/checkpoint.js';
import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import { checkReceipt, parseReceipt } from '../ledger/receipt.js';
import { equalBytes } from '../ledger/text.js';
import { newEventId } from '../producer/event-id.js';
import { checkSettings } from '../producer/options.js';
import type { Published } from '../producer/pending.js';
import { publisher } from '../producer/publisher.js';
import { RecordWriter, readPublishOptions } from '../producer/record-writer.js';
import type { AuditEventInput } from '../schemas/generated.js';
import { readBounds } from '../stream/read.js';
import type { TopicDescription } from '../stream/stream.js';

export interface SmokeOptions extends ConsumerOptions {
  /** Marks the event: random, new for each run. */
  readonly id: string;
  /** Milliseconds to wait for the checkpoint. */
  readonly waitMs: number;
  /** performance.now() when the stream was about to be opened. */
  readonly started: number;
}

export type Step = 'connected' | 'published' | 'sealed' | 'verified' | 'readBack';

export interface SmokeReport {
  readonly topic: string;
  verdict: Verdict;
  published: Published | null;
  /** The first one that covers the event, then the smallest one. */
  checkpoint: Checkpoint | null;
  /** How long each step took; a step that was not done is not there. */
  readonly seconds: Partial<Record<Step, number>>;
  findings: readonly Finding[];
}

/** What did not work is in the report. Throws `usage`, `configuration` and `internal`. */
export async function smokeTopic(options: SmokeOptions, topic: string): Promise<SmokeReport> {
  const run = new SmokeRun(options, topic);
  try {
    await run.steps();
  } catch (error) {
    run.report.findings = findingsOf(error);
    run.report.verdict = verdictOfFindings(run.report.findings);
  }
  return run.report;
}

function findingsOf(error: unknown): readonly Finding[] {
  if (error instanceof NotVerified) return error.findings;
  if (!(error instanceof SealstreamError)) throw error;
  if (error.code === 'usage' || error.code === 'configuration') throw error;
  if (error.code === 'acknowledged-lost') return [finding('record-missing', error.message)];
  return [findingOf(error)];
}

const RETRY_PAUSE_MS = 200;

interface Sent extends Published {
  /** FORMAT §2, of the whole record. */
  readonly body: Uint8Array;
}

class SmokeRun {
  readonly report: SmokeReport;
  readonly #options: ConsumerOptions;
  readonly #id: string;
  readonly #waitMs: number;
  #since: number;

  constructor({ id, waitMs, started, ...options }: SmokeOptions, topic: string) {
    this.#options = options;
    this.#id = id;
    this.#waitMs = waitMs;
    this.#since = started;
    const nothing = { published: null, checkpoint: null, seconds: {}, findings: [] };
    this.report = { topic, verdict: 'intact', ...nothing };
  }

  async steps(): Promise<void> {
    const { topic } = this.report;
    const description = await this.#describe(topic);
    const checkpoints = await this.#describe(checkpointTopic(topic));
    const { highWatermark } = await readBounds(
      this.#options.stream,
      checkpoints,
      0,
      timing(this.#options),
    );
    const sent = await this.#publish();
    await this.#sealed(description, checkpoints, highWatermark, sent);
    this.#compare(sent, (await this.#prove(sent)).record);
    this.#done('verified');
    this.#compare(sent, await this.#readBack(sent));
    this.#done('readBack');
  }

  #done(step: Step): void {
    const now = performance.now();
    this.report.seconds[step] = Math.round(now - this.#since) / 1000;
    this.#since = now;
  }

  /** Asks again while the stream is out of reach: it may be starting, as we are. */
  async #describe(topic: string): Promise<TopicDescription> {
    const { stream } = this.#options;
    const deadline = performance.now() + timing(this.#options).timeoutMs;
    for (;;) {
      try {
        const description = await stream.describe(topic);
        if (description !== null) return description;
        const message = `${stream.url} has no topic ${topic}; \`sealstream apply\` makes it`;
        throw new NotVerified([finding('topic-missing', message)]);
      } catch (error) {
        const retry = error instanceof SealstreamError && error.class === 'retry';
        if (!retry || performance.now() + RETRY_PAUSE_MS >= deadline) throw error;
        await sleep(RETRY_PAUSE_MS);
      }
    }
  }

  async #publish(): Promise<Sent> {
    const { stream } = this.#options;
    const id = this.#id;
    const settings = {
      topic: this.report.topic,
      source: `sealstream://${hostname()}/smoke`,
      instanceId: id,
      epoch: BigInt(Date.now()),
      lingerMs: 0,
    };
    const deadlineMs = timing(this.#options).timeoutMs;
    const out = await publisher({ ...settings, stream, deadlineMs });
    this.#done('connected');
    try {
      const event = this.#event();
      const writer = new RecordWriter(checkSettings(settings, () => id));
      const { body } = writer.write(event, readPublishOptions({ key: id }), 1, 0);
      const sent = { ...(await out.publish(event, { key: id })), body: body.slice() };
      this.report.published = sent;
      this.#done('published');
      return sent;
    } finally {
      await out.close();
    }
  }

  /** With all that a publisher would fill in, so that its bytes are known beforehand. */
  #event(): AuditEventInput {
    const { ledger } = this.#options;
    const id = this.#id;
    return {
      event_id: newEventId(),
      occurred_at: new Date(),
      action: 'sealstream.smoke',
      category: 'SYSTEM',
      operation: 'OTHER',
      outcome: { status: 'SUCCESS' },
      actor: { type: 'SERVICE', id: 'sealstream-smoke' },
      resources: [{ type: 'ledger', id: ledger }],
      attributes: { 'smoke.id': id },
    };
  }

  async #sealed(
    topic: TopicDescription,
    checkpoints: TopicDescription,
    from: bigint,
    { partition, offset }: Published,
  ): Promise<void> {
    const waitMs = this.#waitMs;
    const wait = { ...this.#options, waitMs, topic, checkpoints, from, partition, offset };
    const { covering, earlier, unopened } = await awaitSealed(wait);
    if (covering !== null) {
      this.report.checkpoint = covering;
      this.#done('sealed');
      return;
    }
    const place = `${topic.topic}/${partition}`;
    if (unopened > 0 && earlier === 0) {
      const message =
        `${place}: checkpoints come, but this key signed none of them; check that verify.publicKey ` +
        'is that of seal.key';
      throw new NotVerified([finding('wrong-key', message)]);
    }
    const message =
      `${place}: no checkpoint covers the event at offset ${offset} after ${waitMs / 1000} s; is ` +
      `\`sealstream seal\` running on ${topic.topic}? \`sealstream status\` there says what it ` +
      'refuses, and --timeout waits longer';
    throw new NotVerified([finding('unsealed', message, offset, offset + 1n)]);
  }

  /** A checkpoint that we saw covers the record: now the log must lead to one that does. */
  async #prove(published: Published): Promise<Proof> {
    const { topic, partition, offset } = published;
    const options = { ...this.#options, topic, partition, offset };
    const proven = await prove(options).catch(async (error: unknown) => {
      if (!isNotSealed(error)) throw error;
      // A new leader shows less for a moment, which proves nothing.
      await sleep(timing(this.#options).confirmMs);
      return prove(options).catch((again: unknown) => {
        if (!isNotSealed(again)) throw again;
        const message = `${again.message}, but it was acknowledged, and a checkpoint covers it`;
        throw new NotVerified([finding('record-missing', message, offset, offset + 1n)]);
      });
    });
    const receipt = parseReceipt(proven.receipt);
    this.report.checkpoint = checkReceipt(receipt, proven.record, options.publicKey);
    return proven;
  }

  async #readBack({ topic, partition, offset }: Published): Promise<Uint8Array> {
    const topics = [{ topic }];
    const maxAge = Number.MAX_SAFE_INTEGER;
    const options = { ...this.#options, topics, maxAge, partition, from: offset };
    for await (const record of replay(options)) {
      if (record.offset === offset) return record.body;
      break;
    }
    const message = `${topic}/${partition}: replay does not give the event at offset ${offset}`;
    throw new NotVerified([finding('record-missing', message, offset, offset + 1n)]);
  }

  /** Byte for byte, key and headers too. */
  #compare({ topic, partition, offset, body }: Sent, found: Uint8Array): void {
    if (equalBytes(found, body)) return;
    const message =
      `${topic}/${partition}: offset ${offset} does not hold what was published there; it was ` +
      'changed after the stream acknowledged it';
    throw new NotVerified([finding('record-altered', message, offset, offset + 1n)]);
  }
}

function isNotSealed(error: unknown): error is SealstreamError {
  return error instanceof SealstreamError && error.code === 'not-sealed';
}
