import { dirname, join } from "node:path";

const blockSize = 512;

/** One file of an archive. */
export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The regular files of a .tar.gz. */
export async function readTarball(path: string): Promise<Iterable<ArchivedFile>> {
  return readTar(await gunzip(path));
}

/** Unpacks the regular files of a .tar.gz into a folder; enough of tar for the packages we use. */
export async function unpackTarball(path: string, target: string): Promise<void> {
  for (const { name, bytes } of await readTarball(path)) {
    const file = join(target, name);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeFile(file, bytes);
  }
}

/** The regular files of a tar archive. Names that would leave the target folder are refused. */
export function* readTar(archive: Uint8Array): Generator<ArchivedFile> {
  for (let at = 0; at + blockSize <= archive.length;) {
    const header = archive.subarray(at, at + blockSize);
    const name = text(header, 345, 155)
      ? `${text(header, 345, 155)}/${text(header, 0, 100)}`
      : text(header, 0, 100);
    if (!name) return;
    const size = parseInt(text(header, 124, 12), 8) || 0;
    const kind = text(header, 156, 1);
    at += blockSize;
    if (kind === "" || kind === "0") {
      if (name.startsWith("/") || name.split("/").includes("..")) {
        throw new Error(`The archive holds an unsafe path: ${name}`);
      }
      yield { name, bytes: archive.subarray(at, at + size) };
    }
    at += Math.ceil(size / blockSize) * blockSize;
  }
}

async function gunzip(path: string): Promise<Uint8Array> {
  const file = await Deno.open(path);
  const unzipped = file.readable.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unzipped).arrayBuffer());
}

function text(header: Uint8Array, offset: number, length: number): string {
  const field = header.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end)).trim();
}
