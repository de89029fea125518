-- Which mails an article is for. What is null or empty holds for every mail; articles from before are told apart by the
-- next import.
alter table knowledge_base
    -- ISO 639-1.
    add column language text check (language ~ '^[a-z]{2}$'),
    add column products text[] not null default '{}';

-- A case card must not name anybody who ever wrote: when one is proposed, all names that share a word with it are looked up.
-- In small letters without the accents of Europe's Latin alphabets; capitals too, because how lower() sees them hangs on the
-- database's locale.
alter table customer
    add column name_words text[] not null generated always as (
        string_to_array(
            regexp_replace(
                translate(
                    lower(coalesce(name, '')),
                    'àáâãäåāăąçćčďđèéêëēęěìíîïīįıłñńňòóôõöøōőŕřśšşťţùúûüūůűýÿźżžÀÁÂÃÄÅĀĂĄÇĆČĎĐÈÉÊËĒĘĚÌÍÎÏĪĮŁÑŃŇÒÓÔÕÖØŌŐŔŘŚŠŞŤŢÙÚÛÜŪŮŰÝŸŹŻŽ''’',
                    'aaaaaaaaacccddeeeeeeeiiiiiiilnnnoooooooorrsssttuuuuuuuyyzzzaaaaaaaaacccddeeeeeeeiiiiiilnnnoooooooorrsssttuuuuuuuyyzzz'),
                '[^[:alnum:]]+', ' ', 'g'),
            ' ')) stored;
create index customer_name_words on customer using gin (name_words);
