/** Certificates for https: the user's own, or those of a local authority. */
export {
  type CertificateReport,
  type Certificates,
  createCertificates,
  type TlsConfig,
} from "./certificates.ts";
