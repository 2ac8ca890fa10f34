package dataprovider

// The storage providers, as records and hooks number them.
const (
	ProviderLocal = 0
	ProviderS3    = 1
	ProviderGCS   = 2
	ProviderAzure = 3
	ProviderCrypt = 4
	ProviderSFTP  = 5
)

// Filesystem says where the files of a user are. All blocks are always present
// in output; only the one of the provider has content.
type Filesystem struct {
	Provider int         `json:"provider"`
	S3       S3Config    `json:"s3config"`
	GCS      GCSConfig   `json:"gcsconfig"`
	Azure    AzureConfig `json:"azblobconfig"`
	Crypt    CryptConfig `json:"cryptconfig"`
	SFTP     SFTPConfig  `json:"sftpconfig"`
}

// Secret is a credential at rest, in the form of the dumps.
type Secret struct {
	Status         string `json:"status,omitempty"` // Plain, Secretbox, AES-256-GCM, AWS, GCP, VaultTransit, Redacted
	Payload        string `json:"payload,omitempty"`
	Key            string `json:"key,omitempty"`
	AdditionalData string `json:"additional_data,omitempty"`
	Mode           int    `json:"mode,omitempty"`
}

// S3Config is a bucket on S3 or compatible.
type S3Config struct {
	Bucket            string `json:"bucket,omitempty"`
	KeyPrefix         string `json:"key_prefix,omitempty"`
	Region            string `json:"region,omitempty"`
	AccessKey         string `json:"access_key,omitempty"`
	AccessSecret      Secret `json:"access_secret"`
	Endpoint          string `json:"endpoint,omitempty"`
	StorageClass      string `json:"storage_class,omitempty"`
	UploadPartSize    int64  `json:"upload_part_size,omitempty"`
	UploadConcurrency int    `json:"upload_concurrency,omitempty"`
}

// GCSConfig is a bucket on Google Cloud Storage.
type GCSConfig struct {
	Bucket               string `json:"bucket,omitempty"`
	KeyPrefix            string `json:"key_prefix,omitempty"`
	Credentials          Secret `json:"credentials"`
	AutomaticCredentials int    `json:"automatic_credentials,omitempty"`
	StorageClass         string `json:"storage_class,omitempty"`
}

// AzureConfig is a container on Azure Blob Storage.
type AzureConfig struct {
	Container         string `json:"container,omitempty"`
	AccountName       string `json:"account_name,omitempty"`
	AccountKey        Secret `json:"account_key"`
	Endpoint          string `json:"endpoint,omitempty"`
	SASURL            string `json:"sas_url,omitempty"`
	KeyPrefix         string `json:"key_prefix,omitempty"`
	UploadPartSize    int64  `json:"upload_part_size,omitempty"`
	UploadConcurrency int    `json:"upload_concurrency,omitempty"`
	UseEmulator       bool   `json:"use_emulator,omitempty"`
	AccessTier        string `json:"access_tier,omitempty"`
}

// CryptConfig is an encrypted local directory.
type CryptConfig struct {
	Passphrase Secret `json:"passphrase"`
}

// SFTPConfig is a directory on another SFTP server.
type SFTPConfig struct {
	Endpoint     string   `json:"endpoint,omitempty"`
	Username     string   `json:"username,omitempty"`
	Password     Secret   `json:"password"`
	PrivateKey   Secret   `json:"private_key"`
	Fingerprints []string `json:"fingerprints,omitempty"`
	Prefix       string   `json:"prefix,omitempty"`
}

func (f Filesystem) redacted() Filesystem {
	for _, s := range []*Secret{
		&f.S3.AccessSecret, &f.GCS.Credentials, &f.Azure.AccountKey,
		&f.Crypt.Passphrase, &f.SFTP.Password, &f.SFTP.PrivateKey,
	} {
		s.Key, s.AdditionalData = "", ""
	}
	return f
}
