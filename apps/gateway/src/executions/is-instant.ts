import { registerDecorator } from 'class-validator';

const INSTANT = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

/** `Date.parse` takes the 30th of February for the 2nd of March. */
const isDay = (text: string): boolean => {
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
};

/** A day or an instant (RFC 3339) that there is. */
export const IsInstant = () => (target: object, propertyName: string) =>
  registerDecorator({
    name: 'isInstant',
    target: target.constructor,
    propertyName,
    validator: {
      validate: (value: unknown) => typeof value === 'string' && INSTANT.test(value) && isDay(value) && !Number.isNaN(Date.parse(value)),
      defaultMessage: () => "$property must be an instant such as '2026-03-31T09:30:00Z'",
    },
  });
