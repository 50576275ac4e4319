// The S3 server that tests run against: the Versity gateway over a local folder. Only this much of it, because its own
// program also links what it needs for other back ends, which takes half as long again to build.
//
//	s3_server --listen 127.0.0.1:7070 --folder DIR [--certificate PEM --key PEM]
//
// A bucket is a folder in DIR/buckets. The access key and the secret are the environment's ROOT_ACCESS_KEY and
// ROOT_SECRET_KEY. An access token (x-amz-security-token) is signed over, as by every client, and not looked at.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7070", "host:port")
	folder := flag.String("folder", ".", "where buckets are kept")
	certificate := flag.String("certificate", "", "PEM file; with it the server speaks TLS")
	key := flag.String("key", "", "PEM file of the certificate's key")
	flag.Parse()

	buckets := filepath.Join(*folder, "buckets")
	if err := os.MkdirAll(buckets, 0o755); err != nil {
		log.Fatal(err)
	}
	options := posix.PosixOpts{Concurrency: 64, CopyObjectThreshold: 5 << 30}
	var attributes meta.MetadataStorer = meta.XattrMeta{}
	if err := (meta.XattrMeta{}).Test(buckets); err != nil { // not every file system has extended attributes
		options.SideCarDir = filepath.Join(*folder, "attributes")
		if err := os.MkdirAll(options.SideCarDir, 0o755); err != nil {
			log.Fatal(err)
		}
		if attributes, err = meta.NewSideCar(options.SideCarDir); err != nil {
			log.Fatal(err)
		}
	}
	store, err := posix.New(buckets, attributes, options)
	if err != nil {
		log.Fatal(err)
	}
	err = embedgw.RunVersityGW(context.Background(), store, &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Region:            "us-east-1",
		Ports:             []string{*listen},
		MaxConnections:    4096,
		MaxRequests:       1024,
		MultipartMaxParts: 10000,
		CertFile:          *certificate,
		KeyFile:           *key,
		KeepAlive:         true,
		Quiet:             true,
		HealthPath:        "/health",
	})
	if err != nil {
		log.Fatal(err)
	}
}
