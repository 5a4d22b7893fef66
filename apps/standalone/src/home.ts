import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes the folder for data if it is missing. Throws when it cannot be used, with a sentence for the person who chose it. */
export const prepareHome = (home: string): void => {
  try {
    makeFolder(home);
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`Expected to keep data in '${home}' (RUNLOG_HOME), but it cannot be written to (${code ?? message}); choose another folder`);
  }
};

/** One level at a time: a recursive mkdir never returns on file systems such as /proc. */
const makeFolder = (path: string): void => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
};
