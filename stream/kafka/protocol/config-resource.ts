import type { WireReader } from './reader.js';

/** What DescribeConfigs and IncrementalAlterConfigs are about; a broker's name is its id. */
export interface ConfigResource {
  readonly type: 'topic' | 'broker';
  readonly name: string;
}

export const RESOURCE_TYPES = { topic: 2, broker: 4 } as const;

/** The answer about the one resource that was asked for. Throws `malformed` where there is none. */
export function answerAbout<T extends { readonly type: number; readonly name: string }>(
  resource: ConfigResource,
  answers: readonly T[],
  reader: WireReader,
): T {
  const type = RESOURCE_TYPES[resource.type];
  const found = answers.find((each) => each.type === type && each.name === resource.name);
  if (found === undefined) throw reader.fail(`no answer about ${resource.type} ${resource.name}`);
  return found;
}
