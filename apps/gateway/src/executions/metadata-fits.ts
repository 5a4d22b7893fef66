import { registerDecorator } from 'class-validator';

const METADATA_LIMIT = 16 * 1024;

/** At most 16 KiB as JSON. */
export const MetadataFits = () => (target: object, propertyName: string) =>
  registerDecorator({
    name: 'metadataFits',
    target: target.constructor,
    propertyName,
    validator: {
      validate: (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '') <= METADATA_LIMIT,
      defaultMessage: () => `$property must have at most ${METADATA_LIMIT} bytes as JSON`,
    },
  });
