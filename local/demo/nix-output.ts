/** What Nix says that it did: the lines that mean a download or a build, the same from 2.8 to 2.34. */
export interface NixActivity {
  /** store paths that were copied, with the cache that each came from */
  downloaded: { path: string; from: string }[]
  /** derivations that were built here */
  built: string[]
}

/** Reads the standard error of a Nix command. */
export function readNixOutput(output: string): NixActivity {
  const downloaded = [...output.matchAll(/copying path '([^']+)' from '([^']+)'/g)].map(
    ([, path = '', from = '']) => ({ path, from }),
  )
  const built = [...output.matchAll(/building '([^']+\.drv)'/g)].map(([, drv = '']) => drv)
  return { downloaded, built }
}
