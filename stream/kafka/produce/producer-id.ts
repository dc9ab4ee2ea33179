import { setTimeout as sleep } from 'node:timers/promises';
import { SealstreamError } from '../../../ledger/error.js';
import { backOffMs } from '../connection/back-off.js';
import type { Cluster } from '../connection/cluster.js';
import { errorName, protocolError } from '../protocol/error-codes.js';
import {
  decodeInitProducerIdResponse,
  encodeInitProducerIdRequest,
  INIT_PRODUCER_ID,
} from '../protocol/init-producer-id.js';
import type { ProducerIdentity } from './partition-producer.js';

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS:
 * what a broker answers while it gets its first block of ids. */
const NOT_YET: ReadonlySet<number> = new Set([14, 15, 16, 51]);
const NO_RIGHT = 31;

/** A producer id that nobody had before, from any broker, within the cluster's time limit. */
export async function requestProducerId(cluster: Cluster): Promise<ProducerIdentity> {
  const deadline = performance.now() + cluster.timeoutMs;
  for (let attempt = 1; ; attempt++) {
    try {
      return await cluster.ask(deadline - performance.now(), async (connection, remainingMs) => {
        const { bytes, what } = await cluster.call(
          connection,
          INIT_PRODUCER_ID,
          encodeInitProducerIdRequest,
          remainingMs,
        );
        const response = decodeInitProducerIdResponse(bytes, what);
        if (response.errorCode !== 0) throw refusal(response.errorCode, connection.name);
        return response;
      });
    } catch (error) {
      const transient = error instanceof SealstreamError && error.class === 'retry';
      const pauseMs = backOffMs(attempt);
      if (!transient || performance.now() + pauseMs >= deadline) throw error;
      await sleep(pauseMs);
    }
  }
}

function refusal(errorCode: number, broker: string): SealstreamError {
  if (NOT_YET.has(errorCode)) {
    return new SealstreamError('busy', `${broker}: InitProducerId: ${errorName(errorCode)}: later`);
  }
  if (errorCode === NO_RIGHT) {
    return new SealstreamError(
      'unauthorized',
      `${broker}: no producer id (${errorName(errorCode)}): grant Write on the topic`,
    );
  }
  return protocolError(errorCode, `${broker}: InitProducerId`);
}
