//! The clients: built once, from the SDK's own configuration and nothing of ours.
//!
//! The SDK sets no read or operation timeout, so a hung socket would hang a deployment: here is the place that sets them.

use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// How long one attempt of a call may be on its way.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a call may take with all its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(120);
/// The control plane throttles bursts: more attempts than the SDK's three.
const ATTEMPTS: u32 = 8;

/// What is not the SDK's own configuration.
#[derive(Clone, Debug, Default)]
pub struct AwsOptions {
    /// The region.
    pub region: String,
    /// Another endpoint than the configuration's, for those who embed the library.
    pub endpoint: Option<String>,
    /// The factor on all waiting between attempts; none: AWS's own time.
    pub time_scale: Option<f64>,
    /// Key and secret, for those who embed the library; else the SDK's own chain.
    pub credentials: Option<(String, String)>,
}

/// The configuration that every client is made of.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    /// The endpoint is not AWS's own: buckets are named in the path.
    custom_endpoint: bool,
}

impl Aws {
    /// Reads the SDK's configuration: environment, profiles, SSO, web identity, container, instance. No call is made.
    pub async fn load(options: AwsOptions) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(options.region))
            .http_client(http_client())
            .retry_config(retries(options.time_scale.unwrap_or(1.0)))
            .timeout_config(timeouts());
        if let Some(endpoint) = options.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some((key, secret)) = options.credentials {
            loader = loader.credentials_provider(Credentials::from_keys(key, secret, None));
        }
        let config = loader.load().await;
        let custom_endpoint = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        Self { config, custom_endpoint }
    }

    /// Clients that know their types' facts and can call nothing: no file is read, no socket opened.
    pub fn offline() -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .build();
        Self { config, custom_endpoint: false }
    }

    /// The same with a name that its calls carry, beside the SDK's own: letters, digits, `.` and `-`.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        let mut config = self.config.to_builder();
        config.set_app_name(AppName::new(name.to_owned()).ok());
        Self { config: config.build(), ..*self }
    }

    /// What clients are made of.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }

    /// True if buckets have to be named in the path.
    pub fn path_style(&self) -> bool {
        self.custom_endpoint
    }
}

/// The SDK waits up to a second before the second attempt, and twice as long before each one after it.
fn retries(scale: f64) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_secs(1).mul_f64(scale))
        .with_max_backoff(Duration::from_secs(20).mul_f64(scale))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3_100))
        .operation_attempt_timeout(CALL_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// HTTPS by rustls and ring, over the proxies of the environment, trusting the system's roots and `AWS_CA_BUNDLE`.
fn http_client() -> SharedHttpClient {
    let mut roots = TrustStore::default();
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE").and_then(|path| std::fs::read(path).ok()) {
        roots = roots.with_pem_certificate(bundle);
    }
    let context = TlsContext::builder().with_trust_store(roots).build();
    Builder::new().build_with_connector_fn(move |settings, runtime| {
        let mut connector = Connector::builder();
        connector.set_connector_settings(settings.cloned()).set_proxy_config(Some(ProxyConfig::from_env()));
        if let Some(runtime) = runtime {
            connector.set_sleep_impl(runtime.sleep_impl());
        }
        let connector = connector.tls_provider(Provider::Rustls(CryptoMode::Ring));
        match &context {
            Ok(context) => connector.tls_context(context.clone()).build(),
            Err(_) => connector.build(),
        }
    })
}
