/** Who a chatbot is: from its profile, as the operator has it. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, userPart } from '../rcs/address';
import { Avatar } from './avatar';
import { BlockButton } from './block';
import { t } from './i18n';
import { VerifiedMark } from './icons';
import { ReportSpamButton } from './spam';

export function ChatbotProfile({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  const chatbot = handset.directory.get(peer);
  const info = chatbot?.info;
  return (
    <div class="profile" style={info?.colour ? { '--chatbot': info.colour } : undefined}>
      <div class="profile-cover">
        {info?.backgroundImage && <img src={info.backgroundImage} alt="" referrerpolicy="no-referrer" />}
      </div>
      <Avatar handset={handset} peer={peer} size={88} />
      <h3>
        {handset.directory.name(peer)}
        {info?.verified && <VerifiedMark label={t('verified')} />}
      </h3>
      {info?.verifiedBy && <p class="profile-by">{t('verifiedBy', { by: info.verifiedBy })}</p>}
      {info?.description && <p class="profile-description">{info.description}</p>}
      {info && info.categories.length > 0 && (
        <ul class="tags">
          {info.categories.map((category) => (
            <li key={category}>{category}</li>
          ))}
        </ul>
      )}
      <dl class="facts">
        <Fact name={t('serviceId')} value={userPart(peer)} />
        <Fact name={t('provider')} value={info?.provider} />
        <Fact
          name={t('phone')}
          value={info?.phone}
          href={info?.phone && `tel:${info.phone.replace(/[^\d+]/g, '')}`}
        />
        <Fact name={t('emailLabel')} value={info?.email} href={info?.email && `mailto:${info.email}`} />
        <Fact name={t('website')} value={info?.website && new URL(info.website).host} href={info?.website} />
        <Fact name={t('addressLabel')} value={info?.address} />
        <Fact name={t('terms')} value={info?.terms && new URL(info.terms).host} href={info?.terms} />
      </dl>
      <BlockButton handset={handset} peer={peer} />
      <ReportSpamButton handset={handset} about={peer} />
    </div>
  );
}

function Fact(props: {
  name: string;
  value: string | undefined;
  href?: string | undefined;
}): JSX.Element | null {
  const { name, value, href } = props;
  if (!value) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {href ? (
          <a href={href} target="_blank" rel="noopener noreferrer">
            {value}
          </a>
        ) : (
          value
        )}
      </dd>
    </>
  );
}
