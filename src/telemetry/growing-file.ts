/** A file that is written at its end: opened so that a new line never goes on with half of an old one, and known again by what it is. */
import { close, fstat, fstatSync, open, openSync, read, readSync, write, writeSync, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

export interface FileLook {
  /** Device and number: another file of the same name has others. */
  id: string;
  bytes: number;
}

export interface OpenedFile extends FileLook {
  fd: number;
  /** False for a pipe or a device, which is whatever it is. */
  regular: boolean;
  /** 1 where half of a line had to be ended. */
  ended: 0 | 1;
}

const NEWLINE = Buffer.from('\n');

/** Opens or creates the file before anybody waits for it. */
export function openAtEndNow(path: string): OpenedFile {
  const fd = openSync(path, 'a+');
  const opened = openedFrom(fd, fstatSync(fd));
  if (opened.regular && opened.bytes > 0) {
    const last = Buffer.alloc(1);
    readSync(fd, last, 0, 1, opened.bytes - 1);
    if (!last.equals(NEWLINE)) {
      opened.bytes += writeSync(fd, NEWLINE);
      opened.ended = 1;
    }
  }
  return opened;
}

/** The same without holding up the thread. */
export async function openAtEnd(path: string): Promise<OpenedFile> {
  const fd = await promisify(open)(path, 'a+');
  try {
    const opened = openedFrom(fd, await promisify(fstat)(fd));
    if (opened.regular && opened.bytes > 0) {
      const last = Buffer.alloc(1);
      await promisify(read)(fd, last, 0, 1, opened.bytes - 1);
      if (!last.equals(NEWLINE)) {
        opened.bytes += (await promisify(write)(fd, NEWLINE)).bytesWritten;
        opened.ended = 1;
      }
    }
    return opened;
  } catch (error) {
    await promisify(close)(fd);
    throw error;
  }
}

/** Undefined when there is no such file. Throws what else the system says. */
export async function lookAt(path: string): Promise<FileLook | undefined> {
  try {
    return lookFrom(await stat(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

const lookFrom = ({ dev, ino, size }: Stats): FileLook => ({ id: `${dev}:${ino}`, bytes: size });

const openedFrom = (fd: number, stats: Stats): OpenedFile => ({
  ...lookFrom(stats),
  fd,
  regular: stats.isFile(),
  ended: 0,
});
