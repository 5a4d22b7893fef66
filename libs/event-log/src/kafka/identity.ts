import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import type { Line } from './line.js';

/** Two requests newer than kafkajs. Both have flexible headers, whose empty tag list is the first byte after what kafkajs writes. */
const flexible = () => new Encoder().writeInt8(0);

/** The topic's UUID, given by Kafka when it is created: Metadata 10 is the first version that tells it. */
export const topicUuid = (line: Line, topic: string): Promise<string> => {
  const request: ProtocolRequest<string> = {
    request: {
      apiKey: 3,
      apiVersion: 10,
      apiName: 'Metadata',
      encode: async () => {
        const encoder = flexible().writeUVarInt(2);
        encoder.writeBufferInternal(Buffer.alloc(16));
        return encoder.writeUVarIntString(topic).writeInt8(0).writeBoolean(false).writeBoolean(false).writeBoolean(false).writeInt8(0);
      },
    },
    response: { decode: async (raw) => decodeTopicUuid(new Decoder(raw), topic), parse: async (uuid) => uuid },
  };
  return line.broker.connectionPool.send(request);
};

const decodeTopicUuid = (decoder: Decoder, topic: string): string => {
  skipTags(decoder);
  decoder.readInt32(); // throttle time
  for (let brokers = decoder.readUVarInt() - 1; brokers > 0; brokers--) {
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readInt32();
    decoder.readUVarIntString();
    skipTags(decoder);
  }
  decoder.readUVarIntString(); // cluster
  decoder.readInt32(); // controller
  decoder.readUVarInt(); // topics, exactly one
  const error = decoder.readInt16();
  decoder.readUVarIntString();
  if (error !== 0) throw new Error(`Expected the identity of topic '${topic}', but Kafka answers with error ${error}`);
  return decoder
    .readBytes(16)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};

/**
 * Release of the broker. Kafka tells no client its version; ApiVersions 3 tells the highest metadata version that the broker supports,
 * which is one for each release (KIP-778).
 */
export const brokerRelease = (line: Line): Promise<string> => {
  const request: ProtocolRequest<number> = {
    request: {
      apiKey: 18,
      apiVersion: 3,
      apiName: 'ApiVersions',
      encode: async () => flexible().writeUVarIntString('runlog').writeUVarIntString('1').writeInt8(0),
    },
    response: { decode: async (raw) => decodeMetadataVersion(new Decoder(raw)), parse: async (level) => level },
  };
  return line.broker.connectionPool.send(request).then((level) => `Apache Kafka ${releaseOf(level)} (metadata version ${level})`);
};

const decodeMetadataVersion = (decoder: Decoder): number => {
  decoder.readInt16(); // error
  for (let keys = decoder.readUVarInt() - 1; keys > 0; keys--) {
    decoder.forward(6);
    skipTags(decoder);
  }
  decoder.readInt32(); // throttle time
  for (let tags = decoder.readUVarInt(); tags > 0; tags--) {
    const tag = decoder.readUVarInt();
    const size = decoder.readUVarInt();
    if (tag !== 0) {
      decoder.forward(size);
      continue;
    }
    for (let features = decoder.readUVarInt() - 1; features > 0; features--) {
      const name = decoder.readUVarIntString();
      decoder.readInt16();
      const highest = decoder.readInt16();
      skipTags(decoder);
      if (name === 'metadata.version') return highest;
    }
  }
  return 0;
};

const skipTags = (decoder: Decoder): void => {
  for (let tags = decoder.readUVarInt(); tags > 0; tags--) {
    decoder.readUVarInt();
    decoder.forward(decoder.readUVarInt());
  }
};

/** First metadata version of each release, newest first. */
const releases: readonly (readonly [number, string])[] = [
  [30, '4.3 or newer'],
  [28, '4.2'],
  [26, '4.1'],
  [22, '4.0'],
  [21, '3.9'],
  [20, '3.8'],
  [15, '3.7'],
  [12, '3.6'],
  [9, '3.5'],
  [8, '3.4'],
];

const releaseOf = (level: number): string => releases.find(([first]) => level >= first)?.[1] ?? '3.3 or older';
