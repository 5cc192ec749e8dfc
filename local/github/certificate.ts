import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface Certificate {
  /** PEM */
  key: string
  cert: string
  /** where the certificate is, for programs that are told whom to trust by a file */
  file: string
}

/** The names under which Nix and git look for GitHub. */
export const GITHUB_HOSTS = ['github.com', 'api.github.com', 'codeload.github.com']

/** A certificate for a GitHub that passes for github.com, good for a day, which nobody trusts unless told to. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [key, file] = [join(folder, 'github-key.pem'), join(folder, 'github-certificate.pem')]
  const names = ['IP:127.0.0.1', ...GITHUB_HOSTS.map((host) => `DNS:${host}`)].join(',')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const subject = ['-subj', '/CN=github.com', '-addext', `subjectAltName=${names}`]
  const words = ['req', '-x509', ...curve, '-nodes', '-days', '1', ...subject, '-keyout', key, '-out', file]
  await promisify(execFile)('openssl', words)
  return { key: await readFile(key, 'utf8'), cert: await readFile(file, 'utf8'), file }
}
