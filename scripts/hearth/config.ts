import { readFile } from 'node:fs/promises'
import { storedConfig, type StoredConfig } from '../../functions/shared/config.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { writeJson } from '../../functions/shared/objects.ts'
import { InvalidConfig, parseConfig } from '../../functions/shared/parse-config.ts'
import type { Deployment } from './deployment.ts'

/** `hearth config check` */
export async function checkConfig(file: string, json: boolean): Promise<void> {
  const { sha256, config } = await readConfig(file)
  console.log(json ? JSON.stringify({ sha256, config }) : `${file} is in order: ${describe(config)}`)
}

/** `hearth config push`: first the version under its own name, then the pointer to it, so that a run never pins what is not there. */
export async function pushConfig({ state }: Deployment, file: string, json: boolean): Promise<void> {
  const stored = await readConfig(file)
  await writeJson(state, stateKeys.config(stored.sha256), stored)
  await writeJson(state, stateKeys.currentConfig, stored)
  console.log(
    json
      ? JSON.stringify({ sha256: stored.sha256 })
      : `the next run uses ${file}: ${describe(stored.config)}`,
  )
}

async function readConfig(file: string): Promise<StoredConfig> {
  try {
    return storedConfig(parseConfig(await readFile(file, 'utf8'), file))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new InvalidConfig(`there is no file ${file}: an example stands in Hearth's own hearth.yml`)
    throw error
  }
}

function describe({ repositories, upstreams }: StoredConfig['config']): string {
  return `${repositories.length} repositories, ${upstreams.length} upstreams`
}
