import assert from 'node:assert/strict';
import type { AppendOutcome } from '../../stream/stream.js';
import { batchOf, offsetOf, readAll, withTopic } from '../support/append-fixture.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';
import { NEWER, OLDER, ProxiedCluster } from '../support/kafka-versions.js';
import { until } from '../support/ledger-desk.js';

const ENDLESS = Number.MAX_SAFE_INTEGER;
/** A broker of another version starts meanwhile, however slowly. */
const DEADLINE_MS = 900_000;

/** While `pending` has no answer the broker is ended and comes back as another version. */
async function exchange(
  kafka: KafkaCluster,
  through: ProxiedCluster,
  version: string,
  pending: Promise<AppendOutcome>,
  end: 'stop' | 'kill',
): Promise<bigint> {
  const node = kafka.node(1);
  const lost = through.lost;
  await until('an answer is lost', () => through.lost > lost);
  if (end === 'stop') await node.stop();
  else await node.kill();
  await node.install(version);
  await node.start();
  through.lose(0);
  return offsetOf(await pending);
}

const options = { version: OLDER.version };
clusterTest('a batch whose answer was lost is sent again to other versions', options, async (k) => {
  const through = await ProxiedCluster.open(k.bootstrap);
  const versionsSince = (start: number) => new Set(through.produced.slice(start));
  await withTopic(
    k.bootstrap,
    {},
    async ({ cluster, topic, open }) => {
      const appender = await open({ deadlineMs: DEADLINE_MS });
      const expected: string[] = [];
      const append = (): Promise<AppendOutcome> => {
        expected.push(`record ${expected.length}`);
        return appender.append(0, batchOf(expected.at(-1) ?? ''));
      };
      assert.equal(offsetOf(await append()), 0n);
      const turns = [
        [NEWER, 'stop'],
        [OLDER, 'stop'],
        [NEWER, 'kill'],
        [OLDER, 'kill'],
      ] as const;
      for (const [{ version, produce }, end] of turns) {
        const [start, next] = [through.produced.length, BigInt(expected.length)];
        through.lose(ENDLESS);
        assert.equal(await exchange(k, through, version, append(), end), next);
        assert.equal(through.produced.at(-1), produce);
        assert.deepEqual(versionsSince(start), new Set([OLDER.produce, NEWER.produce]));
        assert.equal(offsetOf(await append()), next + 1n);
      }
      await appender.close();
      assert.deepEqual(await readAll(cluster, topic, 0), expected);
    },
    through,
  );
});
