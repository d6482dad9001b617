//! A bucket of an S3-compatible object store, in the place of the directory in which files are kept. In programs built with
//! the feature `s3`; else there is none, and [`Bucket::open`] says so.
//!
//! Objects are named as files in the directory are: `PREFIX/AB/ID` and `PREFIX/AB/ID.thumbnail`.

#[cfg(feature = "s3")]
pub use s3::Bucket;

#[cfg(not(feature = "s3"))]
pub use absent::Bucket;

#[cfg(feature = "s3")]
mod s3 {
    use std::io;
    use std::ops::Range;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::stream::BoxStream;
    use futures_util::{StreamExt as _, TryStreamExt as _};
    use object_store::buffered::BufWriter;
    use object_store::path::Path;
    use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _};
    use store::FileId;
    use tokio::io::{AsyncWriteExt as _, BufReader};

    use crate::config::ConfigError;
    use crate::content::blobs::{Body, name};

    /// What is sent at a time; the store's smallest part is 5 MiB.
    const PART_BYTES: usize = 8 << 20;

    /// Parts under way at once: each is held in memory.
    const PARTS: usize = 2;

    /// The bucket, and where in it files lie.
    pub struct Bucket {
        store: Arc<dyn ObjectStore>,
        prefix: Path,
    }

    impl Bucket {
        /// The bucket at `s3://NAME/PREFIX`; credentials, region and endpoint come from the environment (`AWS_…`).
        ///
        /// # Errors
        /// If the URL or the environment cannot be used.
        pub fn open(url: &str) -> Result<Self, ConfigError> {
            let failed = |error: String| ConfigError(format!("content.bucket: {error}"));
            let parsed = reqwest::Url::parse(url).map_err(|error| failed(error.to_string()))?;
            if parsed.scheme() != "s3" {
                return Err(failed("write s3://NAME/PREFIX".to_owned()));
            }
            let environment = std::env::vars().filter(|(name, _)| name.starts_with("AWS_"));
            let (store, prefix) = object_store::parse_url_opts(&parsed, environment)
                .map_err(|error| failed(error.to_string()))?;
            Ok(Self { store: store.into(), prefix })
        }

        /// Keeps the file at `path`, for good when this returns.
        pub async fn put(&self, id: FileId, body: Body, path: &std::path::Path) -> io::Result<()> {
            let file = tokio::fs::File::open(path).await?;
            let mut reader = BufReader::with_capacity(PART_BYTES / 8, file);
            let writer = BufWriter::with_capacity(self.store.clone(), self.location(id, body), PART_BYTES);
            let mut writer = writer.with_max_concurrency(PARTS);
            match tokio::io::copy_buf(&mut reader, &mut writer).await {
                Ok(_) => writer.shutdown().await,
                Err(error) => {
                    let _ = writer.abort().await;
                    Err(error)
                }
            }
        }

        /// The size of what was kept.
        pub async fn bytes(&self, id: FileId, body: Body) -> io::Result<u64> {
            Ok(self.store.head(&self.location(id, body)).await?.size)
        }

        /// Some of the bytes of what was kept.
        pub fn pieces(
            &self,
            id: FileId,
            body: Body,
            range: Range<u64>,
        ) -> BoxStream<'static, io::Result<Bytes>> {
            let (store, location) = (self.store.clone(), self.location(id, body));
            let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
            let got = async move { store.get_opts(&location, options).await };
            let pieces = futures_util::stream::once(got).map_ok(|got| got.into_stream()).try_flatten();
            pieces.map_err(io::Error::from).boxed()
        }

        /// Removes a file and its small picture. What is not there is no failure.
        pub async fn remove(&self, id: FileId) -> io::Result<()> {
            for body in [Body::File, Body::Thumbnail] {
                match self.store.delete(&self.location(id, body)).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }

        /// The files that are here and have been for longer than an hour: younger ones may belong to an upload whose row
        /// another moment brings.
        pub async fn list(&self) -> io::Result<Vec<FileId>> {
            let hour_ago = crate::http::now().minus(std::time::Duration::from_secs(3600));
            let mut found = Vec::new();
            let mut objects = self.store.list(Some(&self.prefix));
            while let Some(object) = objects.try_next().await? {
                let is_old = object.last_modified.timestamp_millis() < hour_ago.as_millis() as i64;
                let id = object.location.filename().and_then(|name| name.split('.').next());
                found.extend(id.filter(|_| is_old).and_then(|id| id.parse::<FileId>().ok()));
            }
            Ok(found)
        }

        fn location(&self, id: FileId, body: Body) -> Path {
            let name = name(id, body);
            self.prefix.clone().join(&name[..2]).join(name)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn a_file_is_kept_given_in_parts_and_removed() {
            let bucket =
                Bucket { store: Arc::new(object_store::memory::InMemory::new()), prefix: Path::from("a/b") };
            let id = FileId([0xab; 16]);
            let file = tempfile::NamedTempFile::new().unwrap();
            let bytes: Vec<u8> = (0..3 * PART_BYTES + 7).map(|at| (at % 251) as u8).collect();
            std::fs::write(file.path(), &bytes).unwrap();
            bucket.put(id, Body::File, file.path()).await.unwrap();
            assert_eq!(bucket.bytes(id, Body::File).await.unwrap(), bytes.len() as u64);
            let pieces: Vec<Bytes> = bucket.pieces(id, Body::File, 5..9_000_000).try_collect().await.unwrap();
            assert_eq!(pieces.concat(), bytes[5..9_000_000]);
            let missing = bucket.bytes(id, Body::Thumbnail).await.unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound);
            assert!(bucket.list().await.unwrap().is_empty(), "it is too young");
            bucket.remove(id).await.unwrap();
            bucket.remove(id).await.unwrap();
            assert!(bucket.bytes(id, Body::File).await.is_err());
        }

        #[test]
        fn only_buckets_are_taken() {
            for bad in ["", "bucket", "https://bucket", "file:///etc", "memory:///"] {
                assert!(Bucket::open(bad).is_err(), "{bad}");
            }
        }
    }
}

#[cfg(not(feature = "s3"))]
mod absent {
    use std::io;
    use std::ops::Range;

    use bytes::Bytes;
    use futures_util::stream::BoxStream;
    use store::FileId;

    use crate::config::ConfigError;
    use crate::content::blobs::Body;

    /// There is none.
    pub enum Bucket {}

    impl Bucket {
        /// Says how to get one.
        ///
        /// # Errors
        /// Always.
        pub fn open(_url: &str) -> Result<Self, ConfigError> {
            let how = "this program cannot use buckets; build it with `cargo build --release -p hongyan --features s3`";
            Err(ConfigError(format!("content.bucket: {how}")))
        }

        /// Never called.
        pub async fn put(&self, _id: FileId, _body: Body, _path: &std::path::Path) -> io::Result<()> {
            match *self {}
        }

        /// Never called.
        pub async fn bytes(&self, _id: FileId, _body: Body) -> io::Result<u64> {
            match *self {}
        }

        /// Never called.
        pub fn pieces(
            &self,
            _id: FileId,
            _body: Body,
            _range: Range<u64>,
        ) -> BoxStream<'static, io::Result<Bytes>> {
            match *self {}
        }

        /// Never called.
        pub async fn remove(&self, _id: FileId) -> io::Result<()> {
            match *self {}
        }

        /// Never called.
        pub async fn list(&self) -> io::Result<Vec<FileId>> {
            match *self {}
        }
    }
}
