import { build, formatMessages, type BuildFailure } from 'esbuild'
import { createHash } from 'node:crypto'
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { zipOf } from './build/zip.ts'

/**
 * Bundles what is deployed:
 *   functions/<name>/index.ts -> dist/<name>/index.mjs      one Lambda each
 *   builders/main.ts          -> dist/builder/builder.mjs   what runs on build machines
 *   the latter and builders/install-nix.sh -> dist/builder.zip
 *   that and hearth.yml       -> dist/install/              carried by the install Lambda, which puts them where they belong
 *
 * Everything is bundled, the AWS SDK too: the version that was tested is the version that runs.
 */
const dist = 'dist'
const builderZip = join(dist, 'builder.zip')

// Dependencies that are CommonJS call `require`, which an ES module does not have. The import has a name that no dependency declares.
const requireForCommonJs =
  "import { createRequire as createRequireForBundle } from 'node:module';const require = createRequireForBundle(import.meta.url);"

interface Bundle {
  entry: string
  file: string
  /** esbuild's name for the oldest Node that must run it */
  target: string
}

async function functionBundles(): Promise<Bundle[]> {
  const folders = await readdir('functions', { withFileTypes: true })
  return folders
    .filter((folder) => folder.isDirectory() && folder.name !== 'shared')
    .map(({ name }) => ({
      entry: `functions/${name}/index.ts`,
      file: join(dist, name, 'index.mjs'),
      target: 'node24',
    }))
}

// Node 22.15 is the first whose zlib knows zstd; a build machine may not have a newer one.
const builderBundle: Bundle = {
  entry: 'builders/main.ts',
  file: join(dist, 'builder', 'builder.mjs'),
  target: 'node22.15',
}

async function bundle({ entry, file, target }: Bundle): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile: file,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target,
    // `module` first: the ES module variants of the AWS SDK can be tree-shaken, `main` alone would double the bundle.
    mainFields: ['module', 'main'],
    banner: { js: requireForCommonJs },
    legalComments: 'none',
    logLevel: 'silent',
  })
}

/** The archive that a build machine downloads. */
async function zipBuilder(): Promise<void> {
  const zip = await zipOf([
    { name: 'builder.mjs', bytes: await readFile(builderBundle.file), mode: 0o644 },
    { name: 'install-nix.sh', bytes: await readFile('builders/install-nix.sh'), mode: 0o755 },
  ])
  await writeFile(builderZip, zip)
}

/**
 * What the install Lambda carries beside its code, and `dist/install.json`: `{"sha256": …}` over all of it and the code. The template has that
 * hash as a property of the custom resource, so that CloudFormation calls the Lambda when, and only when, there is something else to install.
 */
async function packInstallation(): Promise<void> {
  const folder = join(dist, 'install')
  for (const file of [builderZip, 'hearth.yml']) await copyFile(file, join(folder, basename(file)))
  const hash = createHash('sha256')
  for (const file of (await readdir(folder)).sort()) {
    const bytes = await readFile(join(folder, file))
    hash.update(`${file} ${createHash('sha256').update(bytes).digest('hex')}\n`)
  }
  await writeFile(join(dist, 'install.json'), `${JSON.stringify({ sha256: hash.digest('hex') })}\n`)
}

async function printSizes(files: string[]): Promise<void> {
  const rows = await Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(file)
      return { file, kilobytes: bytes.length / 1000, compressed: gzipSync(bytes).length / 1000 }
    }),
  )
  const width = process.stdout.isTTY ? Math.max(...files.map((file) => file.length)) : 0
  for (const { file, kilobytes, compressed } of rows) {
    const figures = [kilobytes, compressed].map((figure) => figure.toFixed(0).padStart(width > 0 ? 5 : 0))
    console.log(`${file.padEnd(width)} ${figures[0]} kB, ${figures[1]} kB compressed`)
  }
}

function isBuildFailure(thrown: unknown): thrown is BuildFailure {
  return thrown instanceof Error && 'errors' in thrown && 'warnings' in thrown
}

/** Bundles all in parallel, and says everything that is wrong rather than the first thing. */
async function bundleAll(bundles: Bundle[]): Promise<void> {
  const outcomes = await Promise.allSettled(bundles.map(bundle))
  const failures = outcomes
    .filter((outcome) => outcome.status === 'rejected')
    .map(({ reason }) => reason as unknown)
  for (const failure of failures) {
    if (!isBuildFailure(failure)) throw failure
    const messages = await formatMessages(failure.errors, { kind: 'error', color: process.stderr.isTTY })
    process.stderr.write(messages.join(''))
  }
  if (failures.length > 0) {
    console.error(
      `${failures.length} of ${bundles.length} bundles could not be built: nothing in ${dist}/ may be deployed`,
    )
    process.exit(1)
  }
}

await rm(dist, { recursive: true, force: true })
const bundles = [...(await functionBundles()), builderBundle]
await bundleAll(bundles)
await zipBuilder()
await packInstallation()
await printSizes([...bundles.map(({ file }) => file), builderZip])
