import type { NewestRecord } from '../examined.js';
import type { CheckResult, Draft, Unseen } from '../finding.js';
import { topicPath } from '../paths.js';
import type { Site } from '../prepared.js';
import { perTopic, type Single } from './merged.js';

/** What readers here undo; `producer`: whatever a publisher chose. */
const COMPRESSIONS: ReadonlySet<string> = new Set([
  'producer',
  'uncompressed',
  'gzip',
  'snappy',
  'lz4',
  'zstd',
]);

/** Whether the newest records can be read, and those to come. */
export function compressionCheck({ cluster, observed, configuration }: Site): CheckResult {
  const drafts: Draft[] = [];
  const unseen: Unseen[] = [];
  for (const [topic, state] of observed.topics) {
    const codec = state?.settings?.get('compression.type')?.value ?? 'producer';
    if (COMPRESSIONS.has(codec)) continue;
    drafts.push({
      code: 'compression-unknown',
      topic,
      subject: `topic ${topic}`,
      found: `compression.type ${codec}`,
      expected: 'compression.type producer',
      remedy: `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config compression.type=producer`,
      path: topicPath(configuration, topic, 'compression.type'),
    });
  }
  for (const each of cluster.newest) {
    if (!('error' in each)) continue;
    const { topic, partition, error } = each;
    const subject = `topic ${topic}`;
    if (error.class !== 'data') {
      const remedy =
        error.code === 'unauthorized'
          ? 'grant Read and Describe on the topic'
          : 'try again once the brokers answer for it';
      unseen.push({ subject, message: error.message, remedy });
      continue;
    }
    drafts.push({
      code: 'record-unreadable',
      topic,
      partition,
      subject,
      found: error.message,
      expected: 'a record batch whose checksum and compression hold',
      remedy: `sealstream verify --topic ${topic} --partition ${partition ?? 0}, and restore the replica from another broker`,
      path: topicPath(configuration, topic),
    });
  }
  return { drafts, unseen };
}

/** Whether the newest records are events of a schema that is known here. */
export function schemaCheck({ cluster, configuration }: Site): CheckResult {
  const drafts = cluster.newest.flatMap((each): Single[] => {
    if ('error' in each || each.kind === 'event') return [];
    const { topic, partition, offset, kind } = each;
    const at = {
      topic,
      partition,
      subject: `topic ${topic}`,
      found: `offset ${offset}`,
      path: topicPath(configuration, topic),
    };
    if (kind === 'foreign') {
      const remedy = 'see who publishes it: it needs no more than to be meant';
      return [{ ...at, code: 'event-foreign', expected: 'an AuditEvent', remedy }];
    }
    const expected = 'a schema of this version, or of an earlier one';
    const remedy = 'update sealstream here: npm install sealstream@latest';
    return [{ ...at, code: 'schema-unknown', expected, remedy }];
  });
  return { drafts: perTopic(drafts), unseen: [] };
}

const TOLERANCE_MS = 5_000n;

/** Whether brokers and sealers are ahead of our clock; that they are behind cannot be told from idle. */
export function clockCheck({ cluster, now }: Site): CheckResult {
  const drafts: Draft[] = [];
  const records = cluster.newest.filter(
    (each): each is NewestRecord => !('error' in each) && each.timestampType === 1,
  );
  const record = furthest(records, ({ timestamp }) => timestamp);
  const at = {
    code: 'clock-skew',
    expected: `at most ${TOLERANCE_MS / 1000n} s ahead of ${new Date(now).toISOString()}`,
    remedy: 'set the clocks by NTP, here and there: chronyc tracking',
  } as const;
  if (record !== null && record.timestamp > BigInt(now) + TOLERANCE_MS) {
    const { topic, partition, offset, timestamp } = record;
    const ahead = (timestamp - BigInt(now)) / 1000n;
    const found = `${topic}/${partition} offset ${offset} is ${ahead} s ahead`;
    drafts.push({ ...at, subject: 'clock of a broker', found, path: ['stream'] });
  }
  const heads = cluster.logs.flatMap((log) =>
    'error' in log || log.head === null ? [] : [{ ...log, time: log.head.time }],
  );
  const head = furthest(heads, ({ time }) => BigInt(time));
  if (head !== null && head.time > now + Number(TOLERANCE_MS)) {
    const ahead = Math.round((head.time - now) / 1000);
    const found = `the checkpoint of ${head.topic}/${head.partition} is ${ahead} s ahead`;
    drafts.push({ ...at, subject: 'clock of the sealer', found, path: ['stream'] });
  }
  return { drafts, unseen: [] };
}

function furthest<T>(all: readonly T[], time: (one: T) => bigint): T | null {
  return all.reduce<T | null>(
    (last, one) => (last === null || time(one) > time(last) ? one : last),
    null,
  );
}
