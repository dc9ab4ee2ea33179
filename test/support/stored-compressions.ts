import { readBatchHeader } from '../../stream/batch/layout.js';
import { decodeFetch, encodeFetchRequest, FETCH } from '../../stream/kafka/protocol/fetch.js';
import { connect, identify } from './append-fixture.js';

const MAX_BYTES = 4 * 1024 * 1024;
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** How the first batches of a topic lie on the broker: the codecs by name, each once, sorted. */
export async function storedCompressions(bootstrap: string, topic: string): Promise<string[]> {
  const cluster = connect(bootstrap);
  try {
    const { topicId } = await identify(cluster, topic);
    const { topic: found } = await cluster.metadata(topic);
    const names = new Set<string>();
    for (const [partition, { leader }] of found?.partitions ?? []) {
      const address = cluster.broker(leader);
      if (address === undefined) throw new Error(`partition ${partition} has no leader`);
      const connection = cluster.open(address);
      const asked = {
        partition,
        leaderEpoch: -1,
        offset: 0n,
        lastEpoch: -1,
        maxBytes: MAX_BYTES,
      };
      const request = { topicId, maxWaitMs: 100, maxBytes: MAX_BYTES, partitions: [asked] };
      const { bytes, what } = await cluster.call(
        connection,
        FETCH,
        (version) => encodeFetchRequest(request, version),
        cluster.timeoutMs,
      );
      const answer = decodeFetch(bytes, topicId, what).partitions[0];
      const records = answer?.records ?? new Uint8Array(0);
      let header = readBatchHeader(records, 0);
      for (let at = 0; header !== null; header = readBatchHeader(records, at)) {
        names.add(NAMES[header.compression] ?? String(header.compression));
        at += header.sizeInBytes;
      }
      cluster.release(connection);
    }
    return [...names].sort();
  } finally {
    await cluster.close();
  }
}
