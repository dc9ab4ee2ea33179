/** What DescribeConfigs and IncrementalAlterConfigs are about; a broker's name is its id. */
export interface ConfigResource {
  readonly type: 'topic' | 'broker';
  readonly name: string;
}

export const RESOURCE_TYPES = { topic: 2, broker: 4 } as const;
