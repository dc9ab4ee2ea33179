import type { BrokerState, ClusterState, Setting } from '../../administration.js';
import { fromEach } from '../connection/broker-fanout.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import type { ConfigResource } from '../protocol/config-resource.js';
import {
  DESCRIBE_CONFIGS,
  type DescribedConfigs,
  decodeDescribeConfigs,
  encodeDescribeConfigsRequest,
} from '../protocol/describe-configs.js';
import { isRefusal, KAFKA_ERROR, requestError } from '../protocol/error-codes.js';

/** Every broker tells its own settings: one may have been started with others than the rest. */
export async function describeCluster(cluster: Cluster): Promise<ClusterState> {
  const deadline = performance.now() + cluster.timeoutMs;
  const { metadata, answers } = await fromEach(
    cluster,
    deadline,
    async (connection, remainingMs) => {
      const name = `${connection.broker.nodeId}`;
      return readSettings(cluster, connection, { type: 'broker', name }, remainingMs);
    },
  );
  const brokers: BrokerState[] = [];
  for (const { nodeId, host, port } of metadata.brokers.values()) {
    const found = answers.get(nodeId);
    if (found !== undefined) {
      brokers.push({ id: nodeId, address: formatAddress(host, port), settings: found.settings });
    }
  }
  return {
    clusterId: metadata.clusterId,
    controller: metadata.controller < 0 ? null : metadata.controller,
    brokers: brokers.sort((a, b) => a.id - b.id),
  };
}

function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Settings of a topic or broker; null: no right to see them. `missing`: there is no such topic. */
export async function readSettings(
  cluster: Cluster,
  connection: BrokerConnection,
  resource: ConfigResource,
  timeoutMs: number,
): Promise<{ readonly missing: boolean; readonly settings: ReadonlyMap<string, Setting> | null }> {
  const configs = await describeConfigs(cluster, connection, resource, timeoutMs);
  if (configs.errorCode === KAFKA_ERROR.NONE) return { missing: false, settings: configs.settings };
  if (isRefusal(configs.errorCode)) return { missing: false, settings: null };
  if (configs.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION) {
    return { missing: true, settings: null };
  }
  const where = `${connection.name}: the settings of ${resource.type} ${resource.name}`;
  throw requestError(configs, where, 'DescribeConfigs');
}

async function describeConfigs(
  cluster: Cluster,
  connection: BrokerConnection,
  resource: ConfigResource,
  timeoutMs: number,
): Promise<DescribedConfigs> {
  const encode = () => encodeDescribeConfigsRequest(resource);
  const response = await cluster.call(connection, DESCRIBE_CONFIGS, encode, timeoutMs);
  return decodeDescribeConfigs(response.bytes, resource, response.what);
}
