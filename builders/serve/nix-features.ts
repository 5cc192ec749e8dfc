import { NixFailed } from '../machine/errors.ts'
import { type NixConfig, nixConfig } from '../machine/nix-config.ts'

/**
 * The `system-features` of this machine's Nix, as its configuration has them.
 * @throws NixFailed
 */
export async function systemFeatures(environment: Record<string, string>): Promise<string[]> {
  return featuresOf(await nixConfig(environment))
}

/** What a configuration has under `system-features`: `{"value": ["benchmark", …]}`. @throws NixFailed */
export function featuresOf(config: NixConfig): string[] {
  const features = config['system-features']?.value
  if (Array.isArray(features) && features.every((feature) => typeof feature === 'string'))
    return features.sort()
  throw new NixFailed('nix config show --json names no system-features')
}
