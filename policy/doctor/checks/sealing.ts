import { checkpointTopic } from '../../../ledger/checkpoint-record.js';
import type { SealstreamError } from '../../../ledger/error.js';
import type { LogHealth } from '../examined.js';
import type { CheckResult, Draft } from '../finding.js';
import { topicPath } from '../paths.js';
import type { Site } from '../prepared.js';
import type { ForeignRecords } from '../signed.js';
import { perTopic, type Single } from './merged.js';
import { refusalDraft } from './refusals.js';

const DEFAULT_MAX_AGE_MS = 15 * 60_000;
const SHORTEST_LAG_MS = 60_000;
/** Checkpoints that may be missed before it is told. */
const MISSED = 6;

/** Whether every log is sealed, by a head that is fresh and covers all but the newest records. */
export function sealingCheck(site: Site): CheckResult {
  const drafts: Draft[] = [];
  const merged: Single[] = [];
  const unseen = [];
  const foreign = new Map<string, Draft>();
  for (const log of site.cluster.logs) {
    if ('error' in log) {
      const subject = `topic ${log.topic}${log.partition === null ? '' : `, partition ${log.partition}`}`;
      unseen.push({ subject, message: log.error.message, remedy: wayToSee(log.error) });
      continue;
    }
    if (log.foreign !== null) foreign.set(log.topic, foreignDraft(site, log.topic, log.foreign));
    const refused = log.refusal === null ? null : refusalDraft(site, log, log.refusal);
    if (refused !== null) drafts.push(refused);
    if (log.refusal !== null) continue;
    const at = {
      topic: log.topic,
      partition: log.partition,
      subject: `topic ${log.topic}`,
      path: topicPath(site.configuration, log.topic),
    };
    const fault = recreated(log) ?? freshness(site, log);
    if (fault !== null) merged.push({ ...at, ...fault });
  }
  return { drafts: [...drafts, ...foreign.values(), ...perTopic(merged)], unseen };
}

function foreignDraft(
  { configuration }: Site,
  audit: string,
  { count, offset }: ForeignRecords,
): Draft {
  const topic = checkpointTopic(audit);
  return {
    code: 'checkpoint-foreign',
    topic,
    subject: `topic ${topic}`,
    found: `${count} ${count === 1 ? 'record' : 'records'}, the first at offset ${offset}`,
    expected: 'signed checkpoints only',
    remedy: `sealstream verify --topic ${audit}, and find out who may write to ${topic}`,
    path: topicPath(configuration, topic),
  };
}

function wayToSee({ code }: SealstreamError): string {
  switch (code) {
    case 'unauthorized':
      return 'grant Read and Describe on the topic and on its checkpoint topic';
    case 'configuration':
    case 'key-unusable':
      return 'verify: { publicKey: keys/sealer.pub.pem }, with the key that opens its checkpoints';
    default:
      return 'try again once the brokers answer for it';
  }
}

type Fault = Pick<Draft, 'code' | 'found' | 'expected' | 'remedy'>;

/** By what was signed: it needs no memory. An adopted log has the memory's word for it. */
function recreated({ other, head, memory }: LogHealth): Fault | null {
  if (other === null || memory !== null) return null;
  if (head !== null && head.time >= other.time) return null;
  return {
    code: 'topic-recreated',
    found: 'another topic id than that of the newest checkpoint',
    expected: `topic id ${other.topicId}, signed ${iso(other.time)}`,
    remedy: 'sealstream verify, and find out who deleted the topic; then sealstream adopt',
  };
}

function freshness({ configuration, now }: Site, log: LogHealth): Fault | null {
  const { seal, verify } = configuration;
  const maxAge = verify?.maxAge ?? DEFAULT_MAX_AGE_MS;
  const waiting = log.oldestUnsealed === null ? 0n : BigInt(now) - log.oldestUnsealed;
  const remedy = 'start the sealer, and see why it stopped: sealstream status; sealstream seal';
  if (log.head === null) {
    const expected = 'a checkpoint';
    if (waiting <= maxAge) {
      const found = log.unsealed === 0n ? 'no record' : `${log.unsealed} records, none of them old`;
      return { code: 'not-sealed-yet', found, expected, remedy };
    }
    const found = `the oldest of ${log.unsealed} records is ${waiting / 1000n} s old`;
    return { code: 'not-sealed', found, expected, remedy };
  }
  const age = now - log.head.time;
  if (age > maxAge) {
    const found = `newest checkpoint ${seconds(age)} old`;
    return { code: 'checkpoint-stale', found, expected: `at most ${seconds(maxAge)}`, remedy };
  }
  const often = seal === undefined ? maxAge : Math.max(SHORTEST_LAG_MS, MISSED * seal.every);
  const limit = Math.min(maxAge, often);
  if (waiting <= limit) return null;
  return {
    code: 'sealer-lag',
    found: `${log.unsealed} records wait, the oldest for ${waiting / 1000n} s`,
    expected: `at most ${seconds(limit)}`,
    remedy: 'see what keeps the sealer: sealstream status, and its log; add a sealer if it is load',
  };
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
